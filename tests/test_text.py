"""Names, labels and exception texts of others: nothing in them hides, colours or breaks what a reader is shown."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from rich.console import Console
from test_board import GOOD, POOR, simulated, terms
from typer.testing import CliRunner

from simplibench import Submission
from simplibench.api.tables import markdown as tables_markdown
from simplibench.baselines.svd import SVD
from simplibench.board import boards, leaderboard_markdown
from simplibench.board.report import report
from simplibench.board.report_markdown import report_markdown
from simplibench.cli import application
from simplibench.cli.printing import print_table, progress_bar
from simplibench.cli.progress import ProgressBar
from simplibench.guest import Problem
from simplibench.records import load_all
from simplibench.text import is_hidden, markdown, markdown_link, printable, printable_lines

app = application()

EVIL = "fit: \x1b[31mred\n| a \u202eb `c` <b>\x00"
UNESCAPED_BAR = r"(?<!\\)\|"


@settings(deadline=None)
@given(st.text())
def test_what_a_terminal_is_given_hides_nothing_and_is_one_line(text):
    assert not any(map(is_hidden, printable(text)))
    assert printable_lines(text).count("\n") == text.count("\n")


@settings(deadline=None)
@given(st.text())
def test_what_a_markdown_cell_holds_is_one_line_without_a_bar(text):
    assert not re.search(UNESCAPED_BAR, re.sub(r"\\\\", "", markdown(text)))
    assert len(markdown(text).splitlines()) <= 1


def test_visible_letters_of_every_script_stay_as_they_are():
    for text in ("Zoë Łukasz", "नेपाली", "می‌خواهم", "👩‍🔬", "SVD(rank=4), 0.512 [0.498, 0.530]"):
        assert printable(text) == text


def test_a_link_that_would_end_its_cell_or_itself_is_encoded_and_what_is_no_address_is_text():
    assert markdown_link("a", "https://e.org/x_(y)|z?a=1&b=2") == "[a](https://e.org/x_%28y%29%7Cz?a=1&b=2)"
    assert markdown_link("a", "http e.org") == markdown_link("a", "javascript:alert(1)") == "a"


@pytest.mark.parametrize("field", ["authors", "citation"])
@pytest.mark.parametrize("hidden", ["\n", "\x1b[31m", "\u2028", "\u202e", "\x7f", "\u200b"])
def test_a_hidden_character_in_a_submission_is_refused_naming_the_field_and_the_character(field, hidden):
    values = {"authors": ("a",), "citation": "r"}
    values[field] = f"x{hidden}y" if field == "citation" else (f"x{hidden}y",)
    expected = re.escape(f"must be one line of visible characters, without {printable(hidden[0])}:")
    with pytest.raises(ValidationError, match=rf"{field}(.|\n)*{expected}"):
        Submission(name="own", entries=[SVD(rank=1)], **values)


@pytest.mark.parametrize("name", ["own\n", "own\x1b", "o|n", "../own", ""])
def test_a_name_that_could_break_a_path_or_a_table_is_refused(name):
    with pytest.raises(ValidationError, match="name"):
        Submission(name=name, authors=("a",), citation="r", entries=[SVD(rank=1)])


def whole(text):
    """Whether all rows of every Markdown table have as many cells as its head."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    heads = [number for number, line in enumerate(lines) if re.fullmatch(r"[|:-]+", line)]
    tables = [lines[start - 1 : end - 1] for start, end in zip(heads, [*heads[1:], len(lines) + 1], strict=True)]
    return bool(tables) and all(len({len(re.findall(UNESCAPED_BAR, line)) for line in table}) == 1 for table in tables)


def test_an_evil_reason_and_label_leave_every_markdown_table_whole(tmp_path):
    simulated(tmp_path, "good", GOOD, citation="https://e.org/|x)")
    simulated(tmp_path, "own", POOR, entry=EVIL, authors=(EVIL,), citation=EVIL)
    simulated(tmp_path, "own", POOR, entry="F()", status="failed", reason=EVIL, authors=(EVIL,), citation=EVIL)
    simulated(tmp_path, "gone", POOR, status="failed", reason=EVIL)
    stored = load_all(tmp_path)
    shown = {
        "leaderboard": leaderboard_markdown(boards(stored, terms())),
        "report": report_markdown(report(stored, "own", terms(), None, tmp_path)),
        "results": tables_markdown(stored),
    }
    for name, text in shown.items():
        assert whole(text), name
        assert not any(is_hidden(character) for character in text.replace("\n", "")), name
        assert r"\\x1b" in text, name


def test_a_terminals_table_has_a_line_a_row_whatever_is_in_it(capsys):
    print_table(("entry", "reason", "number"), [[EVIL, "b", 1], ["a", EVIL, None]], f"title\x1b{EVIL}")
    printed = capsys.readouterr().out
    assert printed.count("\n") == 1 + 2 + 2 + 1
    assert not any(is_hidden(character) for character in printed.replace("\n", ""))


def test_brackets_and_control_characters_in_a_label_leave_the_progress_whole():
    progress = ProgressBar()
    progress.begin(2)
    progress.step("Own(x='[/red]') \x1b[31m\n")
    progress.end()
    (task,) = progress._bar.tasks
    assert task.description.startswith(r"Own(x='[/red]') \x1b[31m\n")
    bar = progress_bar()
    bar.add_task("[/red]", total=1)
    with (console := Console(width=120)).capture() as captured:
        console.print(bar.get_renderable())
    assert "[/red]" in captured.get()


def test_a_problem_of_the_contract_is_one_line():
    assert str(Problem("Own()", "fit", "a result", "ValueError: a\nb\x1b")) == (
        r"Own(), fit: expected a result, got ValueError: a\nb\x1b"
    )


def test_an_exception_of_a_submission_reaches_the_terminal_escaped(tmp_path, submission_file):
    path = submission_file(
        f"def encode(self, state, x): raise ValueError({EVIL!r})\ndef decode(self, state, code): return code"
    )
    words = [
        "run",
        path,
        "--limit",
        2,
        "--arena",
        "residual.0",
        "--seed",
        0,
        "--in-process",
        "--output",
        tmp_path / "out",
    ]
    finished = CliRunner().invoke(app, list(map(str, words)))
    assert finished.exit_code == 1
    printed = finished.stdout + finished.stderr
    assert r"ValueError at own.py:8: fit: \x1b[31mred\n| a \u202eb `c` <b>\x00" in printed
    assert "\x1b[31m" not in printed
    assert "\u202e" not in printed
