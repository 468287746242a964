"""The page for browsers and the README's figure: records in, bytes out. What a reader sees is tried in tests/browser."""

import json
import subprocess
import sys
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
import vl_convert
from test_architecture import FILES, imported_rooms, room
from test_board import GOOD, POOR, simulated, terms

from simplibench.audit import gathering
from simplibench.audit import load as reading
from simplibench.audit.records import RecordHeader
from simplibench.board import Spread, boards, comparable_curves, curves, entry_rows
from simplibench.board.render import footnote
from simplibench.cli import leaderboard as leaderboard_command
from simplibench.cli import page as command
from simplibench.cli.leaderboard import Pictures, make_leaderboard
from simplibench.errors import DamagedFile, UsageError
from simplibench.pages import charts, require_libraries
from simplibench.pages.figure import check_figure, data_file, save_figure
from simplibench.pages.html import leaderboard_html
from simplibench.pages.split_map import split_map
from simplibench.pages.strata import strata_chart
from simplibench.pages.theme import COLOURS, CONTROL_SHAPES, GREY, SHAPES, Theme
from simplibench.records import load_all

ARENA = "toy/attention.0"


class Elements(HTMLParser):
    """The elements of a page with their attributes, and its links."""

    def __init__(self, text):
        super().__init__()
        self.found = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))


def page_of(folder, reverse=False, **changes):
    stored = load_all(folder)
    stored = stored[::-1] if reverse else stored
    found = boards(stored, terms())
    inputs = {"boards": found, "curves": comparable_curves(stored, found), "labels": {}, "files": {}}
    return leaderboard_html(**inputs | changes, made_from=command.made_from(list(map(RecordHeader.of, stored))))


def arena_of(folder):
    (found,) = curves(load_all(folder))
    return found


def test_a_script_tag_in_any_name_stays_text(tmp_path):
    evil = "<script>alert(1)</script>"
    for folder, name, entry in (("plain", "name", "E()"), ("evil", evil, f'E("{evil}")')):
        simulated(tmp_path / folder, name, GOOD, entry=entry, authors=(name,))
        simulated(tmp_path / folder, name + "2", GOOD, entry=entry, status="failed", reason=f"fit: got {name} & more")
    plain, tried = (Elements(page_of(tmp_path / folder)).found for folder in ("plain", "evil"))
    assert [tag for tag, _ in tried] == [tag for tag, _ in plain]
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page_of(tmp_path / "evil")


def test_only_an_address_of_the_web_becomes_a_link_to_a_paper(tmp_path):
    simulated(tmp_path, "one", GOOD, citation="javascript:alert(1)")
    simulated(tmp_path, "two", GOOD, citation="https://example.org/paper?a=1&b=2")
    links = [
        own["href"]
        for tag, own in Elements(page_of(tmp_path, files={"one": ("../a b.py", "a b.py")})).found
        if tag == "a"
    ]
    assert "../a b.py" in links
    assert "https://example.org/paper?a=1&b=2" in links
    assert not any(link.startswith("javascript") for link in links)


def test_the_page_is_one_file_that_fetches_nothing(tmp_path):
    simulated(tmp_path, "one", GOOD)
    found = Elements(page_of(tmp_path)).found
    assert not [own for _, own in found if {"src", "srcset", "data"} & set(own)]
    assert not [tag for tag, _ in found if tag in ("link", "iframe", "img", "object", "embed", "base")]
    policy = [own["content"] for tag, own in found if own.get("http-equiv") == "Content-Security-Policy"]
    assert policy[0].startswith("default-src 'none'")


def test_the_page_says_its_language_and_title_and_labels_what_can_be_used(tmp_path):
    simulated(tmp_path, "one", GOOD)
    found = Elements(page_of(tmp_path)).found
    assert ("html", {"lang": "en"}) in found
    assert [tag for tag, _ in found].count("h1") == 1
    labelled = {own["for"] for tag, own in found if tag == "label"}
    assert {own["id"] for tag, own in found if tag in ("input", "select")} == labelled
    headers = [own for tag, own in found if tag == "th" and own["scope"] == "col"]
    assert headers
    assert all(own["aria-sort"] == "none" for own in headers)


def test_the_same_records_in_any_order_give_the_same_bytes(tmp_path):
    simulated(tmp_path, "one", GOOD)
    simulated(tmp_path, "two", POOR, entry="F()")
    simulated(tmp_path, "two", GOOD, entry="G()", bits=128.0)
    assert page_of(tmp_path) == page_of(tmp_path, reverse=True)


def test_an_empty_board_is_a_page_that_says_so(tmp_path):
    text = page_of(tmp_path)
    assert "There is no record yet." in text
    assert "Made from no record." in text
    assert "table" not in [tag for tag, _ in Elements(text).found]


def test_one_submission_alone_without_a_control_has_table_and_charts(tmp_path):
    simulated(tmp_path, "one", GOOD)
    text = page_of(tmp_path)
    assert ">one: 0.5" in text  # who leads
    assert [own["data-chart"] for _, own in Elements(text).found if "data-chart" in own] == [
        "rate",
        "strata-depth",
        "map",
        "runtime",
    ]


def test_an_arena_in_which_all_failed_has_a_table_and_no_charts(tmp_path):
    simulated(tmp_path, "one", GOOD, status="failed", reason="fit: expected a result, got NaN")
    text = page_of(tmp_path)
    assert "failed: fit: expected a result, got NaN, 1 of 1 entries failed" in text
    assert not [own for _, own in Elements(text).found if "data-chart" in own]


def test_records_of_other_conditions_are_listed_and_not_drawn(tmp_path):
    simulated(tmp_path, "one", GOOD)
    simulated(tmp_path, "quick", GOOD, limit=5)
    found = boards(load_all(tmp_path), terms())
    (arena,) = comparable_curves(load_all(tmp_path), found)
    assert {entry.submission for entry in arena.entries} == {"one"}
    assert 'data-method="quick"' in page_of(tmp_path)


def test_a_board_of_two_thousand_records_is_under_three_megabytes(tmp_path):
    for k in range(3):
        simulated(tmp_path, f"method-{k}", GOOD, seeds=(0,), bits=2.0**k)
    arena = arena_of(tmp_path)
    (board,) = boards(load_all(tmp_path), terms())
    point = arena.entries[0].strata[0]
    strata = [
        replace(
            point,
            split=f"split-{n % 7}",
            stratum="depth" if n < 70 else "distance",
            value=str(n // 7),
            agreement=Spread(n / 140, 0.123, 0.987),
            faithfulness=Spread(n / 141, 0.123, 0.987),
        )
        for n in range(140)
    ]
    splits = {f"split-{n}": "ood" for n in range(7)}
    entries = [
        replace(
            own,
            entry=f"Method{k}(parameter={n}, iterations=30)",
            strata=strata,
            measures={"faithfulness": dict.fromkeys(splits, 0.123456)},
        )
        for k, own in enumerate(arena.entries * 3)
        for n in range(4)
    ]
    names = [f"task-{n}/attention.{n}" for n in range(13)]  # 13 arenas, 36 entries, 5 references
    big = [replace(arena, arena=name, splits=splits, entries=entries) for name in names]
    text = leaderboard_html([replace(board, arena=name) for name in names], big, {}, {}, "")
    assert len(text.encode()) < 3_000_000


def test_curves_have_the_intervals_that_a_run_prints(tmp_path):
    simulated(tmp_path, "one", GOOD)
    simulated(tmp_path, "one", POOR, entry="F()", bits=8.0)
    rows = {row.entry: row for row in entry_rows(load_all(tmp_path))}
    found = arena_of(tmp_path).entries
    assert [entry.entry for entry in found] == ["F()", "E()"]  # cheapest first
    for entry in found:
        row = rows[entry.entry]
        for own, printed in ((entry.on_id, row.on_id), (entry.on_ood, row.on_ood)):
            assert (own.value, own.low, own.high) == pytest.approx((printed.value, printed.low, printed.high), abs=1e-6)
        assert (entry.bits, entry.forward_ratio, entry.references) == (row.figures["bits/token"], 1.5, 3)
    assert found[0].measures["agreement"]["far"] == pytest.approx(0.4, abs=0.05)
    assert [(point.split, point.value, point.agreement.mean) for point in found[0].strata][:1] == [("iid", "1", 0.5)]


def test_the_page_says_how_far_two_scores_have_to_lie_apart(tmp_path):
    simulated(tmp_path, "one", GOOD)
    assert "typically have to differ" not in page_of(tmp_path)
    simulated(tmp_path, "two", POOR)
    (found,) = boards(load_all(tmp_path), terms())
    assert f"Two scores typically have to differ by {found.least_difference:.3f} to be told apart." in page_of(tmp_path)
    lost = footnote(replace(found, least_difference=1.5))
    assert lost.endswith("With 3 references, typically no difference between two scores is detectable.")


def test_strata_are_held_against_the_constant_code_reference_by_reference(tmp_path):
    for seed, floor, own in ((0, 0.2, 0.6), (1, 0.5, 0.4), (2, 0.5, 0.8)):
        simulated(tmp_path, "constant", None, bits=0.0, control=True, seeds=(seed,), at_depth_1=floor)
        simulated(tmp_path, "one", GOOD, seeds=(seed,), at_depth_1=own)
    (point, *_) = next(entry for entry in arena_of(tmp_path).entries if entry.submission == "one").strata
    assert (point.agreement.mean, point.agreement.low, point.agreement.high) == pytest.approx((0.6, 0.4, 0.8))
    # 1 - 0.4 / 0.8, worse than the constant and so 0, 1 - 0.2 / 0.5
    assert (point.shown.mean, point.shown.low, point.shown.high) == pytest.approx((1.1 / 3, 0.0, 0.6))
    assert point.floor == pytest.approx(point.positions * (0.8 + 0.5 + 0.5) / 3)  # of few, the share says little
    assert "Faithfulness by depth" in page_of(tmp_path)


def test_a_control_without_bits_that_is_not_the_constant_code_is_no_floor(tmp_path):
    simulated(tmp_path, "constant", None, bits=0.0, control=True, at_depth_1=0.2)
    simulated(tmp_path, "one", GOOD, at_depth_1=0.6)
    before = arena_of(tmp_path).entries
    simulated(tmp_path, "zeros", POOR, bits=0.0, control=True, at_depth_1=0.0)
    after = {entry.submission: entry.strata for entry in arena_of(tmp_path).entries}
    assert all(after[entry.submission] == entry.strata for entry in before)
    assert after["one"][0].faithfulness.mean == pytest.approx(0.5)


def test_records_of_other_sentences_than_the_constant_codes_show_agreement_for_the_whole_arena(tmp_path):
    simulated(tmp_path, "constant", None, bits=0.0, control=True, seeds=(0, 1))
    simulated(tmp_path, "one", GOOD)  # on a third reference too
    assert {point.faithfulness for entry in arena_of(tmp_path).entries for point in entry.strata} == {None}


def test_without_a_constant_code_strata_show_agreement(tmp_path):
    simulated(tmp_path, "one", GOOD)
    assert arena_of(tmp_path).entries[0].strata[0].faithfulness is None
    assert "Agreement by depth" in page_of(tmp_path)


def test_an_entry_that_failed_on_a_reference_is_the_mean_of_the_others(tmp_path):
    simulated(tmp_path, "one", GOOD, seeds=(0, 1))
    simulated(tmp_path, "one", GOOD, seeds=(2,), status="failed", reason="fit: got NaN")
    (entry,) = arena_of(tmp_path).entries
    assert entry.references == 2
    assert entry.on_id.low <= entry.on_id.value <= entry.on_id.high


def test_a_budget_takes_the_affordable_entry_of_best_id_faithfulness(tmp_path):
    simulated(tmp_path, "one", GOOD, entry="dear()", bits=512.0)
    simulated(tmp_path, "one", POOR, entry="cheap()", bits=8.0)
    taken = arena_of(tmp_path).taken()
    assert [entry.entry for entry in taken[512.0]] == ["dear()"]
    assert [entry.entry for entry in taken[256.0]] == ["cheap()"]
    assert [entry.entry for entry in taken[8.0]] == ["cheap()"]


@pytest.mark.parametrize("named", [{}, {"depth": {"1": "name; with 'quotes' and \"more\""}}])
def test_every_chart_is_one_that_vega_draws(named, tmp_path):
    simulated(tmp_path, "one", GOOD)
    simulated(tmp_path, "two", POOR, control=True)  # the same label as the other's entry
    arena = arena_of(tmp_path)
    theme = Theme.of([arena])
    drawings = {
        "rate": charts.rate_curves(arena, theme),
        "map": split_map(arena),
        "strata": strata_chart(arena, "depth", theme, named),
        "runtime": charts.runtime_chart(arena, theme),
    }
    drawn = {name: vl_convert.vegalite_to_svg(drawing.to_dict()) for name, drawing in drawings.items()}
    assert "faithfulness" in drawn["rate"]
    assert "one: E()" in drawn["map"]
    assert "two: E()" in drawn["map"]
    assert ("quotes" in drawn["strata"]) == bool(named)
    assert all("NaN" not in svg and "undefined" not in svg for svg in drawn.values())


def luminance(colour):
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [own / 12.92 if own <= 0.03928 else ((own + 0.055) / 1.055) ** 2.4 for own in channels]
    return sum(weight * own for weight, own in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(one, other):
    dark, light = sorted(luminance(colour) for colour in (one, other))
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("tones", [*COLOURS, GREY])
def test_every_colour_stands_out_from_its_background(tones):
    on_white, on_black = tones
    assert contrast(on_white, "#ffffff") >= 3
    assert contrast(on_black, "#14181d") >= 3


def test_submissions_are_told_apart_without_colour():
    assert len(set(SHAPES)) == len(SHAPES)
    assert len(set(CONTROL_SHAPES)) == len(CONTROL_SHAPES)


def test_the_figure_holds_while_its_data_and_its_bytes_do(tmp_path):
    simulated(tmp_path / "records", "one", GOOD)
    arena, file = arena_of(tmp_path / "records"), tmp_path / "figure.png"
    with pytest.raises(DamagedFile, match=r"figure.png: the figure or its data, figure.json, are missing"):
        check_figure(arena, file)
    save_figure(arena, file)
    check_figure(arena, file)
    assert file.read_bytes().startswith(b"\x89PNG")
    assert json.loads(data_file(file).read_text(encoding="utf-8"))["arena"] == ARENA
    simulated(tmp_path / "records", "two", POOR)
    with pytest.raises(DamagedFile, match="is not drawn from what the records give"):
        check_figure(arena_of(tmp_path / "records"), file)
    file.write_bytes(file.read_bytes() + b"more")
    with pytest.raises(DamagedFile, match="draws it anew"):
        check_figure(arena, file)


@pytest.fixture
def toy(monkeypatch):
    """The command in a world in which the simulated arena is the task there is."""
    monkeypatch.setattr(reading, "terms", terms)
    monkeypatch.setattr(reading, "unknown", lambda stored: [])
    monkeypatch.setattr(gathering, "foreign", lambda stored, terms: [])
    monkeypatch.setattr(command, "SHOWN", ARENA)
    monkeypatch.setattr(leaderboard_command, "SHOWN", ARENA)


def draw(records, html=None, show=False, figure=None, check=False):
    make_leaderboard(check, None, [records], None, Pictures(html, show, figure))


def test_the_command_writes_page_and_figure_and_leaves_the_leaderboard_alone(toy, tmp_path, monkeypatch, capsys):
    simulated(tmp_path / "records", "svd", GOOD)
    monkeypatch.chdir(tmp_path)
    draw(tmp_path / "records", html=tmp_path / "out" / "page.html", figure=tmp_path / "out" / "figure.png")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["figure.json", "figure.png", "page.html"]
    text = (tmp_path / "out" / "page.html").read_text(encoding="utf-8")
    assert "Made from 3 records, the newest of 2026-01-01." in text
    assert 'title="baselines/svd.py"' in text
    assert "wrote" in capsys.readouterr().out


def test_open_shows_the_page_and_keeps_it_in_the_cache_where_no_file_is_named(
    toy, cache, tmp_path, monkeypatch, capsys
):
    simulated(tmp_path / "records", "one", GOOD)
    shown = []
    monkeypatch.setattr(command.webbrowser, "open", lambda address: shown.append(address))
    draw(tmp_path / "records", show=True)
    assert shown == [(cache / "leaderboard.html").as_uri()]
    assert "no browser was found to open it with" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("asked", "text"),
    [
        ({"html": Path("file/page.html")}, r"--html file/page.html: cannot be written \(.+\); name a file elsewhere"),
        ({"figure": Path("file/figure.png")}, r"--figure file/figure.png: cannot be written"),
        ({"figure": Path("figure.jpg")}, r"--figure must name a file that ends in .png, got figure.jpg"),
        ({"html": Path("page.html"), "check": True}, "leave out --html and --open"),
    ],
)
def test_what_cannot_be_drawn_or_written_is_said(asked, text, toy, tmp_path, monkeypatch):
    simulated(tmp_path / "records", "one", GOOD)
    monkeypatch.chdir(tmp_path)
    Path("file").write_text("no folder", encoding="utf-8")
    with pytest.raises(UsageError, match=text):
        draw(tmp_path / "records", **asked)


def test_a_folder_of_records_that_is_not_there_is_named(tmp_path):
    with pytest.raises(UsageError, match=r"--records .*nowhere: no such folder"):
        draw(tmp_path / "nowhere", html=tmp_path / "page.html")


def test_of_records_of_unknown_tasks_alone_no_page_is_made(tmp_path, capsys):
    simulated(tmp_path / "records", "one", GOOD)
    for pictures in ({"html": tmp_path / "page.html"}, {}):
        with pytest.raises(UsageError, match="--records .*records: no record there can be used"):
            draw(tmp_path / "records", **pictures)
        assert "task: expected one of" in capsys.readouterr().err.splitlines()[0]
    assert [path.name for path in tmp_path.iterdir()] == ["records"]


def test_a_figure_without_records_is_refused(toy, tmp_path):
    simulated(tmp_path / "records", "one", GOOD, limit=5)
    with pytest.raises(UsageError, match=f"the figure shows {ARENA}, of which there are no comparable records"):
        draw(tmp_path / "records", figure=tmp_path / "figure.png")
    assert [path.name for path in tmp_path.iterdir()] == ["records"]


def test_missing_libraries_are_named_with_the_command_that_installs_them(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(UsageError, match=r"altair, jinja2, vl_convert: pip install -e '.\[page\]'"):
        require_libraries()


def test_pages_know_the_board_and_no_task_no_model_and_no_torch():
    for file in FILES:
        if room(file) == "pages":
            assert imported_rooms(file) <= {"pages", "board", "records", "scoring", "errors", "files", "text"}
    code = "import sys, simplibench.pages.html, simplibench.pages.figure; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
