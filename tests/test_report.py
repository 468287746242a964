"""A report: a pure function of records, tried on simulated ones, and the command that prints it."""

import json
import re
import shlex
from dataclasses import replace
from html import escape as html_escape
from pathlib import Path

import pytest
import vl_convert
from test_board import GOOD, POOR, ROLES, simulated, terms

from simplibench import workspace
from simplibench.audit import gathering
from simplibench.board.report import Failure, Source, report
from simplibench.board.report_markdown import report_markdown
from simplibench.cli import report as command
from simplibench.cli.report import counting, next_steps
from simplibench.errors import UsageError
from simplibench.methods import source_sha256
from simplibench.pages.report import report_html
from simplibench.records import COMMITTED, entry_path, load, load_all
from simplibench.registry import BASELINES, all_methods
from simplibench.registry import terms as all_terms
from simplibench.text import markdown

OURS = "toy/attention.0"
SOURCE = Source("submissions/own.py", "c" * 64)


def reported(tmp_path, name="own", source=SOURCE):
    return report(load_all(tmp_path), name, terms(), source, tmp_path)


def page(tmp_path, name="own", source=SOURCE):
    return report_markdown(reported(tmp_path, name, source))


def table(text, title):
    """The rows of the first table below a title, as lists of cells."""
    lines = text.split(title, 1)[1].lstrip("\n").splitlines()
    first = next(number for number, line in enumerate(lines) if line.startswith("|"))
    rows = []
    for line in lines[first:]:
        if not line.startswith("|"):
            break
        rows.append([cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]])
    return [rows[0], *rows[2:]]


@pytest.fixture
def arena(tmp_path):
    """A better, a worse and an equal submission around `own`, which has two entries, and a control."""
    middle = {"iid": 0.05, "near": 0.2, "far": 0.3}
    simulated(tmp_path, "better", {"iid": 0.0, "near": 0.0, "far": 0.01})
    simulated(tmp_path, "worse", POOR)
    simulated(tmp_path, "control", GOOD, control=True)
    for name in ("own", "same"):
        simulated(tmp_path, name, middle)
        simulated(tmp_path, name, {"iid": 0.3, "near": 0.5, "far": 0.6}, bits=8.0, entry="Cheap(k=1)")
    return tmp_path


def test_it_says_against_whom_a_submission_can_be_told_apart_and_against_whom_not(arena):
    (found,) = reported(arena).arenas
    assert (found.pairwise.better, found.pairwise.worse, found.pairwise.same) == (["better"], ["worse"], ["same"])
    assert (found.row.rank_low, found.row.rank_high, found.ranked) == (2, 3, 4)
    text = page(arena)
    assert "Rank 2-3 of 4.\n\nBetter than it: better. Worse than it: worse. Cannot be told apart from it: same." in text
    assert table(text, "## Where it stands")[1][:3] == [OURS, "2-3", "4"]


def test_the_sentence_and_the_range_come_from_the_same_test(arena):
    for name in ("better", "worse", "same", "own"):
        (found,) = reported(arena, name).arenas
        assert found.row.rank_low == 1 + len(found.pairwise.better)
        assert found.row.rank_high == found.ranked - len(found.pairwise.worse)


def test_the_curve_has_the_entry_chosen_on_id_and_every_other_submission_at_each_budget(arena):
    rows = {row[0].strip("*"): row[1:] for row in table(page(arena), "Its curve against the others")}
    assert rows["bits per token, at most"] == ["1024", "512", "256", "128", "64", "32", "16", "8"]
    assert rows["its entry"] == ["E()"] * 5 + ["Cheap(k=1)"] * 3
    assert set(rows) == {
        "bits per token, at most",
        "its entry",
        "own, ID",
        *(f"{name}, OOD" for name in ("own", "better", "worse", "same", "control (control)")),
    }
    (found,) = reported(arena).arenas
    by_entry = {entry.entry: entry for entry in found.own_curve}
    assert rows["own, OOD"][0] == f"**{by_entry['E()'].on_ood.value:.3f}**"
    assert rows["own, ID"][-1] == f"{by_entry['Cheap(k=1)'].on_id.value:.3f}"
    assert rows["better, OOD"][-3:] == ["0", "0", "0"]  # its only entry costs 64 bits


def test_entries_splits_and_strata_are_those_of_the_records(arena):
    text = page(arena)
    entries = table(text, "### Entries")
    assert [row[0] for row in entries] == ["entry", "Cheap(k=1)", "E()"]  # cheapest first
    assert entries[0][4:] == ["bits/token", "state bytes", "fit s", "us/vector", "forward", "status"]
    assert entries[2][4:] == ["64.00", "10", "1.000", "1.000", "1.50", "ok"]
    splits = table(text, "### Faithfulness by split")
    assert splits[0] == ["entry", "iid (id)", "near (ood)", "far (ood)"]
    records = [one.record for one in load_all(arena) if (one.record.submission, one.record.entry) == ("own", "E()")]
    for column, split in enumerate(ROLES, start=1):
        mean = sum(record.splits[split].faithfulness for record in records) / len(records)
        assert splits[2][column] == f"{mean:.3f}"
    strata = table(text, "<summary>Agreement by depth, E()</summary>")
    assert strata == [["split", "1"], *([split, "0.500"] for split in ROLES)]


def test_failures_are_told_by_entry_with_references_and_reason(arena):
    reason = "decode: expected float32 of shape [3, 4], got | None\nand more"
    simulated(arena, "own", GOOD, entry="Bad()", status="failed", reason=reason)
    (found,) = reported(arena).arenas
    assert found.failures == [Failure("Bad()", [0, 1, 2], reason)]
    rows = table(page(arena), "## Failures")
    assert rows[1] == [OURS, "Bad()", "0, 1, 2", r"decode: expected float32 of shape [3, 4], got \| None and more"]
    assert table(page(arena), "### Entries")[1][-1] == "failed on 3"


def test_without_failures_it_says_none(arena):
    assert "## Failures\n\nNone.\n" in page(arena)


def test_a_submission_that_failed_everywhere_has_a_report_without_curves(tmp_path):
    simulated(tmp_path, "good", GOOD)
    simulated(tmp_path, "own", GOOD, status="failed", reason="fit: expected a result, got NaN")
    (found,) = reported(tmp_path).arenas
    assert (found.pairwise, found.curves, found.own_curve) == (None, None, [])
    text = page(tmp_path)
    assert "Rank 2 of 2." in text
    assert "failed: fit: expected a result, got NaN" in text
    assert "curve" not in text


def test_one_submission_alone_is_told_apart_from_nobody(tmp_path):
    simulated(tmp_path, "own", GOOD)
    text = page(tmp_path)
    assert "Rank 1 of 1.\n\nBetter than it: none. Worse than it: none. Cannot be told apart from it: none." in text


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"limit": 5}, r"No rank: unranked (scored with --limit or --in-process)."),
        ({"control": True}, "A control: shown for orientation, not ranked."),
        ({"seeds": (0, 1)}, "No rank: incomplete (1 records are missing, the first: E() seed 2)."),
    ],
)
def test_records_without_a_rank_are_reported_with_the_reason(changes, said, tmp_path):
    simulated(tmp_path, "good", GOOD)
    simulated(tmp_path, "own", POOR, **changes)
    text = page(tmp_path)
    assert said in text
    assert "### Faithfulness by split" in text
    assert "Cannot be told apart" not in text


def test_unranked_records_of_others_are_not_in_the_curve(tmp_path):
    simulated(tmp_path, "own", GOOD)
    simulated(tmp_path, "quick", GOOD, limit=5)
    assert "quick" not in page(tmp_path)


def test_the_environment_and_commit_of_its_records_are_told(tmp_path):
    place = {"device": "cpu", "hardware": "h|w", "threads": 2, "python": "3.12.1", "packages": {"torch": "2.7"}}
    made = {"torch_build": "2.7.0+cpu", "commit": "ab" * 20, "clean": False}
    simulated(tmp_path, "own", GOOD, environment=place | made)
    simulated(tmp_path, "own", GOOD, entry="F()", seeds=(0,), environment=place)
    rows = table(page(tmp_path), "## Its records")
    assert rows[1] == [
        "3",
        "toy",
        "2026-01-01",
        r"cpu: h\|w",
        "2",
        "3.12.1",
        "2.7.0+cpu",
        "abababababab, with changes",
        "",
    ]
    assert rows[2][6:8] == ["2.7", "not recorded"]


def commands(text):
    return text.split("```sh\n")[1].split("```")[0].splitlines()


def test_the_commands_run_what_was_run_and_check_the_records_where_they_lie(tmp_path):
    simulated(tmp_path, "own", GOOD, limit=5, in_process=True, seeds=(10, 2))
    assert commands(page(tmp_path)) == [
        "simplibench verify toy/attention.0/own/*.json",
        f"simplibench rerun {entry_path('toy/attention.0', 'own', 'E()', 10)}",
        "simplibench run own --task toy --arena attention.0 --seed 2 --seed 10 --limit 5 --in-process --device cpu "
        "--fresh --output reproduced",
    ]


def test_a_submission_whose_file_is_gone_or_changed_is_reported_and_it_says_so(tmp_path):
    simulated(tmp_path, "own", GOOD)
    gone, changed = page(tmp_path, source=None), page(tmp_path, source=replace(SOURCE, sha256="d" * 64))
    assert f"Its file is not here any more; its records are of the file with sha256 {'c' * 64}." in gone
    assert "The runs need its file again, among the submissions; " in gone
    assert f"has changed: it has sha256 {'d' * 64}, its records are of {'c' * 64}." in changed
    assert "The runs take the file as it is now." in changed
    assert f"Its file is submissions/own.py, sha256 {'c' * 64}." in page(tmp_path)


ODD = "<script>alert(1)</script> | *a* `b`\nc [x](javascript:1)"


def test_odd_characters_are_shown_as_they_are_and_break_no_table(tmp_path):
    simulated(tmp_path, "own", GOOD, entry=ODD, authors=(ODD,), citation=ODD)
    simulated(tmp_path, "own", GOOD, entry="F()", status="failed", reason=ODD, authors=(ODD,), citation=ODD)
    text = page(tmp_path)
    shown = r"\<script\>alert(1)\</script\> \| \*a\* \`b\` c [x\](javascript:1)"
    assert text.splitlines()[2] == shown
    assert shown in text.split("## Failures")[1]
    assert "<script" not in text.replace(r"\<script", "")
    widths = [len(re.findall(r"(?<!\\)\|", line)) for line in text.splitlines() if line.startswith("|")]
    assert all(width == len(table(text, title)[0]) + 1 for title, width in [("### Entries", widths[3])])


def test_plain_text_is_left_plain():
    assert markdown("SVD(rank=4), 0.512 [0.498, 0.530]") == "SVD(rank=4), 0.512 [0.498, 0.530]"
    assert markdown("my_method.py\n _a_ # b") == r"my_method.py \_a\_ \# b"


def test_the_order_of_the_records_does_not_matter(arena):
    there = load_all(arena)
    texts = {report_markdown(report(own, "own", terms(), SOURCE, arena)) for own in (there, there[::-1])}
    assert len(texts) == 1


def test_explainers_are_shown_among_the_others_with_what_their_scores_are_made_of():
    folder = COMMITTED / "dyck-2-4" / "explanations"
    names = ("token-occlusion", "attention-row", "gradient-times-input")
    stored = [load(path) for name in names for path in sorted((folder / name).glob("*.json"))]
    text = report_markdown(report(stored, "token-occlusion", all_terms(), None, COMMITTED))
    rows = table(text, "### Among the others")
    assert rows[0] == ["submission", "ID", "OOD"]
    assert [row[0] for row in rows[1:]] == ["**token-occlusion**", "gradient-times-input", "attention-row"]
    measures = table(text, "<summary>TokenOcclusion() by split</summary>")
    assert {"equivalence", "intervention", "equivalence, broken", "intervention, group"} <= {row[0] for row in measures}
    assert "bits per token" not in text


@pytest.fixture(autouse=True)
def no_renderer(monkeypatch):
    """Bundling the charts' renderer takes seconds, and says nothing about a report."""
    monkeypatch.setattr(vl_convert, "javascript_bundle", lambda *arguments: "")


def html(tmp_path, source=SOURCE):
    return report_html(reported(tmp_path, source=source))


def test_html_has_the_text_and_tables_of_the_markdown_and_the_charts_of_its_arenas(arena):
    text = html(arena)
    assert "<p>Better than it: better. Worse than it: worse. Cannot be told apart from it: same.</p>" in text
    for row in table(page(arena), "Its curve against the others")[1:]:
        cells = [html_escape(cell.strip("*")) for cell in row[1:]]
        assert "\n".join(f"<td>{cell}</td>" for cell in cells) in text
    assert '<tr class="highlighted">\n<th scope="row">own, OOD</th>' in text
    (charts,) = (json.loads(found) for found in re.findall(r'class="charts-of">(.+?)</script>', text) if found != "{}")
    assert list(charts["charts"]) == ["rate", "strata-depth", "map", "runtime"]
    places = re.findall(r'data-chart="([^"]+)"', text)
    assert places == list(charts["charts"])


def test_html_needs_no_network(arena):
    text = re.sub(r"(<(script|style)[^>]*>).*?</\2>", r"\1", html(arena), flags=re.DOTALL)
    assert "default-src 'none'" in text
    assert re.findall(r"<[^>]+\b(?:src|href)=\"([^\"]*)", text) == ["#main", "https://example.org"]


def test_html_escapes_whatever_a_record_says_and_links_to_nothing_but_the_web(tmp_path):
    evil = "</script><script>alert(1)</script>"
    simulated(tmp_path, "own", GOOD, entry=evil, authors=(evil,), citation="javascript:alert(1)")
    simulated(tmp_path, "own", GOOD, entry="F()", status="failed", reason=evil, authors=(evil,), citation=evil)
    text = html(tmp_path, source=Source(evil, "c" * 64))
    assert "<script>alert" not in text
    assert html_escape(evil) in text
    assert 'href="javascript' not in text
    simulated(tmp_path / "web", "own", GOOD, citation="https://example.org/?a=1&b=2")
    assert '<a href="https://example.org/?a=1&amp;b=2" rel="noreferrer">' in html(tmp_path / "web")


def test_html_of_a_submission_that_failed_everywhere_has_no_charts(tmp_path):
    simulated(tmp_path, "own", GOOD, status="failed", reason="fit: expected a result, got NaN")
    text = html(tmp_path)
    assert "fit: expected a result, got NaN" in text
    assert 'class="charts"' not in text


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """Folders of committed records and of results, seen by the command in place of the real ones."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(workspace, "CHECKOUT", tmp_path)
    monkeypatch.setattr(command, "terms", terms)
    monkeypatch.setattr(gathering, "foreign", lambda stored, terms: [])
    return tmp_path


def own_records(stored, name="own"):
    return [one for one in stored if one.record.submission == name]


def test_results_stand_in_place_of_the_committed_records_of_their_arena(checkout):
    simulated(workspace.committed(), "own", POOR)
    simulated(workspace.committed(), "good", GOOD)
    assert {one.path.parts[-5] for one in own_records(counting("own", None).stored)} == {"committed"}
    simulated(checkout / "results", "own", GOOD)
    simulated(checkout / "results", "good", POOR, limit=5)
    stored = counting("own", None).stored
    assert {one.path.parts[-5] for one in own_records(stored)} == {"results"}
    assert {one.path.parts[-5] for one in own_records(stored, "good")} == {"committed"}  # others stay as committed


def test_folders_that_are_named_are_the_only_ones_looked_into_and_a_later_one_wins(checkout):
    simulated(workspace.committed(), "own", POOR)
    simulated(checkout / "one", "own", POOR, seeds=(0, 1))
    simulated(checkout / "two", "own", GOOD, seeds=(1,))
    found = {one.record.seed: one.path.parts[-5] for one in counting("own", [Path("one"), Path("two")]).stored}
    assert found == {0: "one", 1: "two"}


def test_no_records_is_refused_with_the_command_that_makes_them(checkout):
    simulated(workspace.committed(), "good", GOOD)
    said = "no records of own in results and the committed records; `simplibench run FILE` makes them"
    with pytest.raises(UsageError, match=said):
        command.write_report("own", None, None, "md")
    with pytest.raises(UsageError, match="no records of svd in benchmark; `simplibench run svd` makes them"):
        command.write_report("svd", [Path("benchmark")], None, "md")
    with pytest.raises(UsageError, match="--records nowhere: no such folder"):
        command.write_report("good", [Path("nowhere")], None, "md")
    with pytest.raises(UsageError, match="--format must be md or html, got pdf"):
        command.write_report("good", None, None, "pdf")
    with pytest.raises(UsageError, match=r"--output \.: cannot be written \(.*\); name a file elsewhere"):
        command.write_report("good", None, Path("."), "md")


def test_a_record_edited_by_hand_does_not_count_and_keeps_its_submission_from_a_rank(checkout, capsys):
    simulated(checkout / "results", "own", GOOD)
    path = sorted((checkout / "results").rglob("*.json"))[0]
    path.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8")) | {"state_bytes": 1}), encoding="utf-8")
    command.write_report("own", None, None, "md")
    printed = capsys.readouterr()
    said = f"{path.relative_to(checkout)}: not a valid record: the file: Value error, it was edited"
    assert f"left out: {said}" in printed.err
    assert f"No rank: incomplete ({said}" in printed.out


def test_a_page_in_a_file_leaves_standard_output_to_the_next_command(checkout, capsys):
    simulated(workspace.committed(), "good", GOOD)
    simulated(checkout / "results", "good", GOOD)
    command.write_report("good", None, Path("page.md"), "md")
    first = capsys.readouterr().out
    assert first.startswith("wrote page.md from 3 records of good\n")
    command.write_report("good", None, None, "md")
    shown = capsys.readouterr()
    assert shown.out == Path("page.md").read_text(encoding="utf-8")
    assert shown.err.endswith(first.split("\n", 1)[1])


def test_what_comes_next_depends_on_what_is_there(tmp_path):
    simulated(tmp_path, "own", GOOD)
    found = reported(tmp_path)
    assert next_steps(found, committed=False)[-1] == ("next: simplibench run own --output benchmark/records/committed")
    assert next_steps(found, committed=True) == [
        "for a pull request: submissions/own.py, benchmark/records/committed, leaderboard.md and this page",
        "next: simplibench leaderboard",
    ]
    assert next_steps(replace(found, source=None), committed=True) == [
        "its file is not here; a pull request needs it as submissions/own.py"
    ]
    simulated(tmp_path, "own", GOOD, limit=5)
    assert next_steps(reported(tmp_path), committed=False)[-1] == "next: simplibench run own"


def test_the_committed_report_of_svd_agrees_with_the_leaderboard(monkeypatch, capsys, tmp_path):
    monkeypatch.chdir(tmp_path)
    arena = "dyck-20-10/residual.0"
    monkeypatch.setattr(command, "paths", lambda root, *_, **__: gathering.paths(root, arenas=[arena]))
    command.write_report("svd", None, None, "md")
    text = capsys.readouterr().out
    line = next(
        line
        for line in (BASELINES.parent / "leaderboard.md")
        .read_text(encoding="utf-8")
        .split(f"## {arena}")[1]
        .splitlines()
        if "[svd]" in line
    )
    rank, _, score, id_score, gap = [cell.strip() for cell in line.split("|")[1:6]]
    row = table(text, "## Where it stands")[1]
    assert [row[0], row[1], row[3], row[4], row[5]] == [arena, rank, score, id_score, gap]
    assert f"Its file is baselines/svd.py, sha256 {source_sha256(all_methods()['svd'].path)}." in text
    assert commands(text)[0] == f"simplibench verify benchmark/records/committed/{arena}/svd/*.json"
    assert shlex.split(commands(text)[-1])[:4] == ["simplibench", "run", "svd", "--task"]
