"""The code study: what its tables say of counts made by hand, its hooks into single heads, a small run from end to end."""

import csv
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from small_code import packages, task_of

from simplibench.cli.study import run_study
from simplibench.errors import UsageError
from simplibench.harness.codec.context import prepare
from simplibench.harness.codec.proxy import run_proxy
from simplibench.models import Cut, load_reference
from simplibench.studies import code
from simplibench.studies.code import agreement, figures, heads
from simplibench.studies.code.agreement import (
    DETAILED,
    LANGUAGES,
    UNSEEN_LANGUAGE,
    UNSEEN_PROJECT,
    Tallies,
    Tally,
    gap_rows,
    tally,
)
from simplibench.studies.code.heads import HeadRow, OneHead, correlation_rows, induction_scores
from simplibench.studies.table import as_csv, flat
from simplibench.tasks import Cases, Sequences, Split
from simplibench.tasks.code import Kind
from simplibench.tasks.code_python import KINDS, SMALL

ARENAS = code.ARENAS
ROOT = Path(__file__).parent.parent


def split_of(kinds: list[list[Kind]]) -> Split:
    """A window a list, a case a kind."""
    sequence = np.repeat(np.arange(len(kinds)), [len(own) for own in kinds])
    labels = np.array([kind for own in kinds for kind in own], dtype=np.uint8)
    cases = Cases(sequence, np.zeros_like(sequence), np.ones_like(sequence), {"kind": labels})
    return Split("id", "id", Sequences(np.zeros(len(kinds), dtype=int), np.arange(len(kinds) + 1)), cases)


def test_a_tally_counts_agreement_by_window_and_kind():
    split = split_of([[Kind.FIRST, Kind.FIRST, Kind.REPEATED], [Kind.REPEATED], [Kind.SPACE, Kind.SPACE]])
    found = tally(np.array([True, False, True, False, True, True]), split)
    assert found.cases[:, [Kind.FIRST, Kind.REPEATED, Kind.SPACE]].tolist() == [[2, 1, 0], [0, 1, 0], [0, 0, 2]]
    assert found.agree[:, [Kind.FIRST, Kind.REPEATED, Kind.SPACE]].tolist() == [[1, 1, 0], [0, 0, 0], [0, 0, 2]]
    assert found.cases.sum() == 6
    assert found.share("id")[0] == pytest.approx(4 / 6)
    assert found.share("id", Kind.REPEATED)[0] == 0.5
    assert np.isnan(found.share("id", Kind.COMMENT)).all()


def test_a_resample_without_the_kind_tells_nothing():
    kinds = [[Kind.LITERAL, Kind.SPACE], *[[Kind.SPACE]] * 5]
    found = tally(np.array([True, True, True, True, False, True, True]), split_of(kinds))
    assert set(found.share("id", Kind.LITERAL).tolist()) == {1.0}  # also where the first window was not drawn
    assert 0 < found.share("id").std() < 1


def counted(agree: int, cases: int = 10, windows: int = 30) -> list[Tally]:
    """Two seeds that agree alike on every kind of every window."""
    shape = (windows, len(Kind))
    return [Tally(np.full(shape, agree, np.float32), np.full(shape, cases, np.float32)) for _ in range(2)]


def test_gaps_are_agreement_inside_less_agreement_outside_meaned_over_layers_and_languages():
    tallies = Tallies()
    for entry in DETAILED:
        for layer in range(2):
            tallies.by_key[entry, layer, "id"] = counted(9 - layer)
            tallies.by_key[entry, layer, "unseen-project"] = counted(7)
            for number, language in enumerate(LANGUAGES):
                tallies.by_key[entry, layer, language] = counted(number)
    rows = {(row.entry, row.against, row.kind): row for row in gap_rows(tallies, range(2))}
    assert len(rows) == len(DETAILED) * 2 * 9
    for entry in DETAILED:
        for kind in ("all", "comment", "repeated identifier"):
            near, far = rows[entry, "unseen project", kind], rows[entry, "unseen language", kind]
            assert near.in_distribution.value == pytest.approx(0.85)
            assert (near.gap.low, near.gap.value, near.gap.high) == pytest.approx((0.15, 0.15, 0.15))
            assert far.out_of_distribution.value == pytest.approx(np.mean(range(len(LANGUAGES))) / 10)


def test_what_no_window_has_is_left_empty_and_languages_without_it_left_out():
    tallies = Tallies()
    for entry in DETAILED:
        for split in ("id", "unseen-project", *LANGUAGES):
            tallies.by_key[entry, 0, split] = counted(5)
    for own in tallies.by_key.values():
        for one in own:
            one.cases[:, Kind.COMMENT] = one.agree[:, Kind.COMMENT] = 0
    for one in tallies.by_key[DETAILED[0], 0, "go"]:
        one.cases[:, Kind.LITERAL] = one.agree[:, Kind.LITERAL] = 0
    rows = {(row.entry, row.against, row.kind): row for row in gap_rows(tallies, [0])}
    assert rows[DETAILED[0], "unseen language", "comment"].gap is None
    assert flat(rows[DETAILED[0], "unseen language", "comment"])["gap"] is None
    assert rows[DETAILED[0], "unseen language", "literal"].out_of_distribution.value == pytest.approx(0.5)


def test_intervals_hold_for_differences_within_resamples_and_over_seeds():
    rng, tallies = np.random.default_rng(0), Tallies()
    for split in ("id", "unseen-project", *LANGUAGES):
        for entry in DETAILED:
            draws = np.random.default_rng(1) if split in ("id", "unseen-project") else rng
            for _ in range(2):
                agree = draws.integers(0, 10, size=(30, len(Kind))).astype(np.float32)
                tallies.by_key[entry, 0, split].append(Tally(agree, np.full_like(agree, 10)))
    rows = {(row.entry, row.against, row.kind): row for row in gap_rows(tallies, [0])}
    same = rows[DETAILED[0], "unseen project", "all"]
    assert same.gap.value == 0  # the same counts, but the windows of two splits are drawn apart
    assert same.gap.low < -0.01 < 0.01 < same.gap.high
    own = [found.agree.sum() / found.cases.sum() for found in tallies.by_key[DETAILED[0], 0, "id"]]
    assert same.in_distribution.value == pytest.approx(np.mean(own))
    assert same.in_distribution.low < min(own) or same.in_distribution.high > max(own)


def test_a_column_that_is_the_same_of_all_heads_or_unknown_has_no_correlation():
    rows = [head(0, number, number / 10, 0.0) for number in range(6)]
    found = {(row.first, row.second, row.heads): row for row in correlation_rows(rows)}
    assert found["induction", "gap", "all"].rho is None
    assert found["induction", "ablation_on_repeated", "all"].rho is not None
    rows[0] = replace(rows[0], ablation_on_repeated=float("nan"))
    found = {(row.first, row.second, row.heads): row for row in correlation_rows(rows)}
    assert found["induction", "ablation_on_repeated", "all"].rho is None


def test_the_study_needs_every_split_and_writes_nothing_without(small, tmp_path):
    (tmp_path / "index" / "delta-1.0.tar.gz").unlink()
    with pytest.raises(UsageError, match="code-python: all of its data are needed: there are no data of java; `simpli"):
        run_study("code", tmp_path / "out")
    assert not (tmp_path / "out").exists()


# What is committed


COLUMNS = {
    "SVD, project": (DETAILED[0], UNSEEN_PROJECT),
    "SVD, language": (DETAILED[0], UNSEEN_LANGUAGE),
    "k-means, language": (DETAILED[1], UNSEEN_LANGUAGE),
    "one-hot, project": (DETAILED[2], UNSEEN_PROJECT),
    "one-hot, language": (DETAILED[2], UNSEEN_LANGUAGE),
}


def committed(name: str) -> list[dict[str, str]]:
    return list(csv.DictReader((ROOT / "docs" / "code" / f"{name}.csv").read_text(encoding="utf-8").splitlines()))


def test_the_pages_gaps_are_the_committed_ones():
    blocks = re.findall(
        r"```text\n(.*?)```", (ROOT / "docs" / "real-code.md").read_text(encoding="utf-8"), flags=re.DOTALL
    )
    (block,) = [block for block in blocks if block.startswith("kind")]
    header, *lines = [re.split(r" {2,}", line) for line in block.strip().splitlines()]
    found = {(row["entry"], row["against"], row["kind"]): row for row in committed("gaps")}
    assert header == ["kind", *COLUMNS]
    assert [line[0] for line in lines] == ["all", *KINDS.values()]
    for kind, *cells in lines:
        for column, cell in zip(COLUMNS.values(), cells, strict=True):
            gap, low, high = (float(found[*column, kind][name]) for name in ("gap", "gap_low", "gap_high"))
            assert cell == f"{gap:.3f} [{low:.3f}, {high:.3f}]"


def test_the_committed_tables_are_complete():
    rows = committed("agreement")
    detailed = [row for row in rows if row["kind"] == "all"]
    assert len(detailed) == 10 * 4 * 8
    assert len(rows) == len(detailed) + 3 * 4 * 8 * len(KINDS)
    seeds = {row["seed"] for row in committed("heads")}
    assert len(committed("heads")) == len(seeds) * SMALL.architecture.layers * SMALL.architecture.heads
    assert {row["heads"] for row in committed("correlations")} == {"all", *(f"seed {seed}" for seed in seeds)}


class Attending:
    """A model whose heads attend, from each position, so many positions back."""

    def __init__(self, *back: int) -> None:
        self.back = back

    def prefix(self, tokens, site):
        count, length = tokens.shape
        pattern = torch.zeros(count, len(self.back), length, length)
        for head, back in enumerate(self.back):
            for position in range(length):
                pattern[:, head, position, max(0, position - back)] = 1
        return Cut(site, torch.zeros(0), {"pattern": pattern})


def test_induction_is_attention_to_the_token_after_the_previous_occurrence():
    found = induction_scores(Attending(heads.REPEATED_LENGTH - 1, heads.REPEATED_LENGTH, 1), 0)
    assert found == [1, 0, 0]


def head(seed, number, induction, gap):
    return HeadRow(seed, 0, number, induction, -induction, 0.0, 1.0, 1.0 - gap, gap, gap / 2)


def test_correlations_are_over_all_heads_and_within_each_seed():
    rows = [head(0, number, number / 10, number / 20) for number in range(6)]
    rows += [head(1, number, number / 10, -number / 20) for number in range(6)]
    found = {(row.first, row.second, row.heads): row for row in correlation_rows(rows)}
    assert [own.rho.value for own in (found["induction", "gap", f"seed {seed}"] for seed in (0, 1))] == pytest.approx(
        [1, -1]
    )
    assert found["induction", "gap", "all"].count == 12
    assert found["induction", "ablation_on_repeated", "all"].rho.value == pytest.approx(-1)


@pytest.fixture
def small(package, tmp_path, monkeypatch, cache):
    """The study on the small corpus, in the last layer."""
    own = task_of(packages(package), tmp_path)
    monkeypatch.setattr(code, "code_python", own)
    monkeypatch.setattr(agreement, "code_python", own)
    for place in (agreement, figures):
        monkeypatch.setattr(place, "LANGUAGES", ["java", "c"])
    monkeypatch.setattr(code, "ARENAS", ARENAS[3:])
    monkeypatch.setattr(code, "default_jobs", lambda device: 1)  # another process would know nothing of all this
    return own


def test_one_head_changes_and_the_others_stay(small):
    run = prepare(small, load_reference(small, 0), ARENAS[1], "cpu", None)
    cached = run.splits["id"].cached_batches[0]
    rows = run.patch.rows(cached.cut, cached.batch)
    proxy = OneHead(lambda rows, batch: {name: own * 0 for name, own in rows.items()}, 2)
    changed = proxy(rows, cached.batch)
    for name, own in rows.items():
        assert torch.equal(changed[name][[0, 1, 3]], own[[0, 1, 3]])
        assert not changed[name][2].any()
        assert own[2].any()


def test_ablating_a_head_whose_values_are_all_alike_loses_nothing_and_any_other_head_changes_something(small):
    reference = load_reference(small, 0)
    run = prepare(small, reference, ARENAS[1], "cpu", None)
    lost = heads._ablated(run, run.splits["id"], 1)
    assert set(lost) == {Kind.FIRST, Kind.REPEATED}
    inner = SMALL.architecture.head_width
    block = reference.model.blocks[1]
    block.value.weight.data[inner : 2 * inner] = 0
    run = prepare(small, reference, ARENAS[1], "cpu", None)
    assert heads._ablated(run, run.splits["id"], 1) == {Kind.FIRST: 0, Kind.REPEATED: 0}
    cached = run.splits["id"].cached_batches[0]
    without = heads._without(cached, 0, torch.zeros(inner))
    for part in run.splits.values():
        cached_batches = [heads._without(cached, 0, torch.zeros(inner)) for cached in part.cached_batches]
        changed = run_proxy(run.patch, part.split, cached_batches, lambda rows, _: rows, small.candidates)
        assert changed.divergence_bits.max() > 0
    assert not without.cut.streams["value"][:, 0].any()
    assert torch.equal(without.cut.streams["value"][:, 1:], cached.cut.streams["value"][:, 1:])


def test_the_study_writes_its_tables_and_figures_the_same_bytes_each_time(small, tmp_path, capsys):
    for run in ("one", "two"):
        run_study("code", tmp_path / run)
    names = ["agreement.csv", "agreement.png", "correlations.csv", "gaps.csv", "gaps.png", "heads.csv", "heads.png"]
    files = [sorted((tmp_path / run / "code").iterdir()) for run in ("one", "two")]
    assert [file.name for file in files[0]] == names
    for one, two in zip(*files, strict=True):
        assert one.read_bytes() == two.read_bytes()
    assert "heads.csv, correlations.csv" in capsys.readouterr().out
    rows = list(csv.DictReader((tmp_path / "one" / "code" / "agreement.csv").read_text(encoding="utf-8").splitlines()))
    assert {row["split"] for row in rows} == {"id", "unseen-project", "java", "c"}
    assert {row["kind"] for row in rows} == {"all", *KINDS.values()}
    full = {row["split"]: float(row["agreement"]) for row in rows if row["entry"] == "SVD(rank=16)"}
    assert min(full.values()) > 0.5
    of_heads = list(csv.DictReader((tmp_path / "one" / "code" / "heads.csv").read_text(encoding="utf-8").splitlines()))
    assert len(of_heads) == len(SMALL.seeds) * SMALL.architecture.heads


def test_tables_have_a_column_for_each_end_of_an_interval():
    text = as_csv(list(correlation_rows([head(0, number, number / 9, number / 20) for number in range(5)])))
    assert text.splitlines()[0] == "first,second,heads,count,rho,rho_low,rho_high"
