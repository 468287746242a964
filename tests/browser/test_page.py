"""The page as a reader meets it, in Debian's Chromium: `make test-browser`. Screenshots are kept."""

import re
import subprocess
import sys

import pytest
from playwright.sync_api import Page, expect
from reader import PHONE, ROOT, SCREENSHOTS, kept

ARENA = "dyck-20-10/attention.1"


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    page = tmp_path_factory.mktemp("page") / "leaderboard.html"
    subprocess.run([sys.executable, "-m", "simplibench.cli", "leaderboard", "--html", str(page)], check=True, cwd=ROOT)
    return page


def arena(page: Page, name: str = ARENA):
    """The section of one arena, its charts drawn."""
    page.get_by_label("Arena", exact=True).select_option(label=name)
    section = page.locator("section.arena:visible")
    expect(section).to_have_count(1)
    charts = section.locator(".chart")
    for number in range(charts.count()):
        expect(charts.nth(number)).to_have_attribute("data-drawn", "light" if not is_dark(page) else "dark")
    return section


def is_dark(page: Page) -> bool:
    return page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches")


def column(section, number: int) -> list[str]:
    cells = section.locator(f".ranking tbody tr:visible > :nth-child({number + 1})")
    return [text.split()[0] if text.split() else "" for text in cells.all_inner_texts()]


def scores(section) -> list[float]:
    return [float(text) for text in column(section, 2) if text]


def test_a_column_is_sorted_both_ways_with_empty_cells_last(visit):
    section = arena(visit())
    header = section.locator(".ranking thead th").nth(2)
    header.get_by_role("button").click()
    expect(header).to_have_attribute("aria-sort", "descending")
    assert scores(section) == sorted(scores(section), reverse=True)
    header.get_by_role("button").click()
    expect(header).to_have_attribute("aria-sort", "ascending")
    assert scores(section) == sorted(scores(section))
    assert column(section, 2)[-1] == ""  # identity has no score
    assert section.locator('.ranking th[aria-sort="none"]').count() == section.locator(".ranking thead th").count() - 1


def test_sorting_works_by_keyboard_and_the_focus_is_seen(visit):
    page = visit()
    section = arena(page)
    section.get_by_role("button", name="rank").first.focus()
    page.keyboard.press("Tab")
    button = section.locator(".ranking thead button").nth(1)
    expect(button).to_be_focused()
    assert button.evaluate("element => getComputedStyle(element).outlineStyle") == "solid"
    page.keyboard.press("Enter")
    expect(section.locator(".ranking thead th").nth(1)).to_have_attribute("aria-sort", "ascending")
    names = column(section, 1)
    assert names == sorted(names)
    page.keyboard.press("Space")
    assert column(section, 1) == sorted(names, reverse=True)


def test_the_first_key_leads_past_the_header(visit):
    page = visit()
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the tables")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()


def test_rows_are_filtered_by_method_and_arena(visit):
    page = visit()
    page.get_by_label("Method", exact=True).fill("SVD")
    rows = page.locator(".ranking tbody tr:visible")
    assert set(rows.evaluate_all("rows => rows.map(row => row.dataset.method)")) == {"svd"}
    expect(page.locator("#count")).to_have_text(f"{rows.count()} rows in {rows.count()} arenas")
    arena(page)
    expect(page.locator("#count")).to_have_text("1 row in 1 arena")
    page.get_by_label("Method", exact=True).fill("no such method")
    expect(page.get_by_text("No submission has such a name here.")).to_be_visible()
    expect(page.locator("section.arena:visible")).to_have_count(0)


def test_a_card_leads_to_its_arena_though_it_was_filtered_out(visit):
    page = visit()
    arena(page)
    page.get_by_role("navigation").get_by_role("link", name="dyck-20-10/residual.0").click()
    expect(page.get_by_role("heading", name="dyck-20-10/residual.0")).to_be_in_viewport()


def hovered(page, point):
    """What appears over a chart's point."""
    point.scroll_into_view_if_needed()
    box = point.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2 + 1, box["y"] + box["height"] / 2 + 1)
    tooltip = page.locator("#vg-tooltip-element")
    expect(tooltip).to_be_visible()
    return tooltip


def test_hovering_a_curve_shows_the_entry(visit):
    page = visit()
    section = arena(page)
    chart = section.locator('[data-chart="rate"]')
    point = chart.locator('path[aria-label*="SVD(rank=4)"]').first
    tooltip = hovered(page, point)
    expect(tooltip).to_contain_text("SVD(rank=4)")
    expect(tooltip).to_contain_text("256.0")
    kept(page, "hover")


def test_a_click_in_the_legend_fades_the_other_submissions(visit):
    page = visit()
    chart = arena(page).locator('[data-chart="rate"]')
    other, own = (
        chart.locator(f'path[aria-label*="submission: {name}"][aria-label*="entry:"]').first
        for name in ("kmeans", "svd")
    )
    chart.locator(".role-legend-label text", has_text="svd").click()
    expect(other).to_have_attribute("opacity", "0.12")
    expect(own).not_to_have_attribute("opacity", "0.12")


def test_charts_are_drawn_when_their_arena_is_opened(visit):
    page = visit()
    closed = page.locator("details.charts:not([open])").first
    assert closed.locator("svg").count() == 0
    closed.locator("summary").focus()
    page.keyboard.press("Enter")
    expect(closed.page.locator("details.charts[open]").nth(1).locator("svg").first).to_be_visible()


def test_the_strata_follow_the_budget(visit):
    section = arena(visit())
    chart = section.locator('[data-chart="strata-depth"]')
    expect(chart.locator('path[aria-label*="SVD(rank=8)"]').first).to_be_attached()
    chart.get_by_label("Budget").select_option(label="identity / 8: 256 bits per token")
    expect(chart.locator('path[aria-label*="SVD(rank=4)"]').first).to_be_attached()
    expect(chart.locator('path[aria-label*="SVD(rank=8)"]')).to_have_count(0)


def test_hovering_a_stratum_tells_out_of_how_many_errors_its_share_is(visit):
    page = visit()
    chart = arena(page).locator('[data-chart="strata-depth"]')
    text = hovered(page, chart.locator('path[aria-label*="SVD(rank=8)"][aria-label*="entry:"]').first).inner_text()
    found = {name: re.search(rf"{name}:?\s+([\d,.]+)", text) for name in ("positions", "the constant's errors")}
    positions, errors = (float(number[1].replace(",", "")) for number in found.values())
    assert 0 < errors < positions


def test_explainers_have_their_own_columns_and_no_curves(visit):
    section = arena(visit(), "dyck-2-4/explanations")
    headers = section.locator(".ranking thead").inner_text()
    assert "equivalence OOD" in headers
    assert "intervention ID" in headers
    assert section.locator('[data-chart="rate"]').count() == 0
    expect(section.locator('[data-chart="map"] svg')).to_be_visible()


@pytest.mark.parametrize("name", [ARENA, "dyck-2-4/explanations"])
def test_a_phone_scrolls_tables_but_never_the_page_sideways(visit, name):
    page = visit(PHONE)
    section = arena(page, name)
    section.locator("details.entries summary").click()
    assert page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
    table = section.locator(".scroll").first
    assert table.evaluate("element => element.scrollWidth > element.clientWidth")
    page.evaluate("scrollTo(0, 0)")
    kept(page, f"phone-{name.replace('/', '-')}")


def test_dark_is_drawn_dark_and_follows_the_reader(visit):
    page = visit(scheme="dark")
    arena(page)
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(20, 24, 29)"
    assert page.locator('[data-chart="rate"] path[stroke="#5cb3f0"]:visible').count() > 0
    kept(page, "dark")
    page.emulate_media(color_scheme="light")
    arena(page)
    assert page.locator('[data-chart="rate"] path[stroke="#0072b2"]:visible').count() > 0


def test_the_page_is_kept_as_a_picture(visit):
    page = visit()
    section = arena(page)
    kept(page, "light")
    section.screenshot(path=SCREENSHOTS / "arena.png")
    assert (SCREENSHOTS / "arena.png").stat().st_size > 50_000
