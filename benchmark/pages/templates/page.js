"use strict";
(() => {
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const themes = JSON.parse(document.getElementById("themes").textContent);
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];

  // Sorting: by numbers where a column has them, empty cells last whichever way.
  const key = (row, column) => row.children[column].dataset.key;
  const compare = (a, b) => (isNaN(a) || isNaN(b) ? a.localeCompare(b, "en") : a - b);
  const sort = (button) => {
    const header = button.closest("th"), body = button.closest("table").tBodies[0], column = +button.dataset.column;
    const rows = [...body.rows], present = rows.filter((row) => key(row, column) !== undefined);
    const numbers = present.every((row) => !isNaN(key(row, column)));
    const before = header.getAttribute("aria-sort");
    const up = before === "none" ? !numbers || button.textContent === "rank" : before === "descending";
    for (const other of header.parentElement.children) other.setAttribute("aria-sort", "none");
    header.setAttribute("aria-sort", up ? "ascending" : "descending");
    present.sort((a, b) => (up ? 1 : -1) * compare(key(a, column), key(b, column)));
    body.append(...present, ...rows.filter((row) => key(row, column) === undefined));
  };
  for (const button of all(".sortable thead button")) button.addEventListener("click", () => sort(button));

  // Filtering.
  const method = document.getElementById("method"), arena = document.getElementById("arena");
  const filter = () => {
    const text = method.value.trim().toLowerCase();
    let rows = 0, arenas = 0;
    for (const section of all("section.arena")) {
      for (const row of all("tbody tr", section)) row.hidden = !row.dataset.method.toLowerCase().includes(text);
      const left = all(".ranking tbody tr:not([hidden])", section).length;
      section.hidden = !left || (arena.value !== "" && arena.value !== section.id);
      if (!section.hidden) { rows += left; arenas += 1; }
    }
    document.getElementById("count").textContent =
      `${rows} ${rows === 1 ? "row" : "rows"} in ${arenas} ${arenas === 1 ? "arena" : "arenas"}`;
    document.getElementById("nothing").hidden = rows > 0;
    if (arena.value) for (const one of all(`#${arena.value} details.charts`)) one.open = true;
  };
  if (method) {
    method.addEventListener("input", filter);
    arena.addEventListener("change", filter);
    method.form.addEventListener("submit", (event) => event.preventDefault());
    for (const link of all(".arenas a")) {
      link.addEventListener("click", () => {
        if (document.querySelector(link.hash).hidden) { method.value = arena.value = ""; filter(); }
      });
    }
    filter();
  }

  // Charts are drawn when their arena is opened, to the width there is, and again when width or theme change.
  const GAP = 24, AXIS = 64, SMALLEST = 210, LARGEST = 560;
  const drawn = new Map();
  const fitted = (spec, place) => {
    const width = place.clientWidth, config = structuredClone(themes[dark.matches ? "dark" : "light"]);
    config.legend.columns = Math.max(2, Math.min(5, Math.floor(width / 180)));
    for (const param of spec.params || []) if (param.name === "dark") param.value = dark.matches;
    if (spec.facet) {
      const named = JSON.stringify(spec.spec).includes('"label"') ? 90 : 0;  // the names of categories need room
      const most = Math.floor((width - AXIS - named + GAP) / (SMALLEST + GAP));
      spec.columns = Math.max(1, Math.min(+place.dataset.columns, most));
      const own = Math.floor((width - AXIS - named - GAP * (spec.columns - 1)) / spec.columns);
      spec.spec.width = Math.max(120, Math.min(LARGEST, own));
    } else if (spec.width === "container") {
      spec.width = Math.min(LARGEST, Math.max(120, width - AXIS));
    }
    return [spec, config];
  };
  const draw = async (place, found) => {
    drawn.get(place)?.finalize();
    const [spec, config] = fitted(structuredClone(found.charts[place.dataset.chart]), place);
    spec.datasets = found.datasets;
    spec.description = place.closest("figure").querySelector("figcaption").textContent;
    place.dataset.width = place.clientWidth;
    const result = await vegaEmbed(place, spec, { config, actions: false, renderer: "svg", tooltip: { theme: "custom" } });
    drawn.set(place, result);
    place.dataset.drawn = dark.matches ? "dark" : "light";
  };
  const drawAll = async (details) => {
    const found = JSON.parse(details.querySelector(".charts-of").textContent);
    for (const place of all(".chart", details)) await draw(place, found);
  };
  for (const details of all("details.charts")) {
    details.addEventListener("toggle", () => { if (details.open && !details.querySelector("[data-drawn]")) drawAll(details); });
    if (details.open) drawAll(details);
  }
  const again = () => { for (const details of all("details.charts")) if (details.querySelector("[data-drawn]")) drawAll(details); };
  dark.addEventListener("change", again);
  let waiting, before = innerWidth;
  addEventListener("resize", () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => { if (innerWidth !== before) { before = innerWidth; again(); } }, 200);
  });
})();
