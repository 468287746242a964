"""The audit of the leaderboard's own figures."""

import csv

import numpy as np
import pytest
from test_board import GOOD, POOR, SEEDS, simulated, terms

from simplibench.board import boards
from simplibench.records import COMMITTED, load_all
from simplibench.registry import BASELINES
from simplibench.registry import terms as current_terms
from simplibench.studies.noise import refits
from simplibench.studies.noise.figure import draw
from simplibench.studies.noise.sources import SourceRow, arena_rows, over_references, over_sentences, source_rows
from simplibench.studies.table import as_cells, as_csv

DOCS = BASELINES.parent / "docs" / "noise"


def test_over_references_it_is_the_standard_error_of_their_mean():
    values = [np.array([score, 9.0, -9.0]) for score in (0.1, 0.2, 0.6)]
    assert over_references(values) == pytest.approx(np.std([0.1, 0.2, 0.6], ddof=1) / np.sqrt(3))
    assert over_references(values[:1]) is None


def test_over_sentences_it_is_the_spread_of_the_mean_of_the_same_references():
    values = [np.array([100.0, 1, 2, 3]), np.array([-100.0, 3, 2, 1])]
    assert over_sentences(values) == 0
    assert over_sentences(values[:1]) == 1


def test_references_that_are_alike_move_a_score_as_little_as_their_sentences_do(tmp_path):
    """Drawn with the same rates, references differ by the chance of their sentences alone."""
    simulated(tmp_path, "good", GOOD)
    simulated(tmp_path, "poor", POOR)
    rows = {row.submission: row for row in source_rows(load_all(tmp_path), terms())}
    assert set(rows) == {"good", "poor"}
    for row in rows.values():
        assert 0 < row.score_over_references < 4 * row.score_over_sentences
        assert 0 < row.score_over_sentences < 0.02
    assert rows["poor"].gap > rows["good"].gap


def test_an_arena_has_the_boards_least_difference_and_order(tmp_path):
    simulated(tmp_path, "good", GOOD)
    simulated(tmp_path, "poor", POOR)
    (row,) = arena_rows(load_all(tmp_path), terms())
    (board,) = boards(load_all(tmp_path), terms())
    assert (row.references, row.ranked) == (len(SEEDS["toy/attention.0"]), 2)
    assert row.least_difference == board.least_difference > 0
    assert row.kendall_tau == 1


def test_refits_of_a_random_fit_differ_and_those_of_the_same_seed_do_not(monkeypatch):
    for name, value in {
        "ARENAS": ("attention.1",),
        "METHODS": ("random-projection",),
        "SENTENCES": 12,
        "SEEDS": 2,
    }.items():
        monkeypatch.setattr(refits, name, value)
    told = []
    (row,) = refits.refit_rows(told.append)
    assert row.score_deviation > 0
    assert 0 < row.score < 1
    assert told == ["attention.1, random-projection, fit 1", "attention.1, random-projection, fit 2"]
    assert list(refits.refit_rows(told.append)) == [row]


def test_the_figure_is_a_png_and_the_same_each_time(tmp_path):
    rows = [SourceRow("toy/attention.0", "a", 0.5, 0.01, 0.002, 0.1, 0.01, 0.001)]
    rows += [SourceRow("toy/attention.0", "b", 0.4, None, 0.003, 0.1, None, 0.001)]
    for name in ("one", "two"):
        draw(rows, tmp_path / name)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    assert (tmp_path / "one").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(("table", "rows"), [("sources", source_rows), ("arenas", arena_rows)])
def test_the_committed_tables_are_what_the_committed_records_give(table, rows):
    assert (DOCS / f"{table}.csv").read_text(encoding="utf-8") == as_csv(
        list(rows(load_all(COMMITTED), current_terms()))
    )


def test_the_committed_refits_are_of_every_random_method_in_every_arena():
    rows = list(csv.DictReader((DOCS / "refits.csv").read_text(encoding="utf-8").splitlines()))
    assert [(row["arena"], row["submission"]) for row in rows] == [
        (f"{refits.TASK}/{arena}", method) for arena in refits.ARENAS for method in refits.METHODS
    ]
    assert all(float(row["score_deviation"]) > 0 for row in rows)


def test_names_with_a_dot_are_printed_as_they_are():
    names, cells = as_cells([SourceRow("toy/attention.0", "a", 0.51239, None, 0.002, 0.1, None, 0.001)])
    assert names[:4] == ["arena", "submission", "score", "score_over_references"]
    assert cells[0][:5] == ["toy/attention.0", "a", "0.5124", "", "0.0020"]
