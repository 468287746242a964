"""From records: how much a figure moves when only the references, or only the sentences, are others."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from simplibench.board import boards
from simplibench.board.row import Floats, Scores
from simplibench.board.rows import SCORINGS, standing
from simplibench.records import Stored, Terms


@dataclass(frozen=True)
class SourceRow:
    """One submission's OOD score and gap, with the standard error that each source of chance gives them."""

    arena: str
    submission: str
    score: float
    score_over_references: float | None  # None for a single reference
    score_over_sentences: float
    gap: float
    gap_over_references: float | None
    gap_over_sentences: float


@dataclass(frozen=True)
class ArenaRow:
    """What an arena can tell apart with the references and sentences it has."""

    arena: str
    references: int
    ranked: int
    least_difference: float | None  # of two scores, to be told apart
    kendall_tau: float | None  # between the orders by agreement and by divergence; None where all tie


def source_rows(stored: list[Stored], terms: Mapping[str, Terms]) -> Iterator[SourceRow]:
    """Every submission with a score, arena by arena."""
    groups: dict[str, dict[str, list[Stored]]] = defaultdict(lambda: defaultdict(list))
    for one in stored:
        if one.record.arena in terms and one.record.seed != "untrained":
            groups[one.record.arena][one.record.submission].append(one)
    for arena in sorted(groups):
        scored = [own for own in groups[arena].values() if standing([o.record for o in own], terms[arena])[0] == "ok"]
        if not scored:
            continue
        found = SCORINGS[scored[0][0].record.track].score(scored, terms[arena].seeds)
        for group, scores in zip(scored, found, strict=True):
            if not scores.unscored:
                yield _row(arena, group[0].record.submission, scores)


def _row(arena: str, submission: str, scores: Scores) -> SourceRow:
    gaps = [on_id - on_ood for on_id, on_ood in zip(scores.id_by_seed, scores.ood_by_seed, strict=True)]
    score, gap = scores.ood_by_seed, gaps
    return SourceRow(
        arena=arena,
        submission=submission,
        score=_mean(score),
        score_over_references=over_references(score),
        score_over_sentences=over_sentences(score),
        gap=_mean(gap),
        gap_over_references=over_references(gap),
        gap_over_sentences=over_sentences(gap),
    )


def over_references(values: Sequence[Floats]) -> float | None:
    """Standard error of the mean over references, on the sentences there are; values [R] a reference."""
    if len(values) < 2:
        return None
    return float(np.std([own[0] for own in values], ddof=1) / np.sqrt(len(values)))


def over_sentences(values: Sequence[Floats]) -> float:
    """Standard error of the same mean, the references kept, over resampled sentences."""
    return float(np.mean(values, axis=0)[1:].std(ddof=1))


def _mean(values: Sequence[Floats]) -> float:
    return float(np.mean([own[0] for own in values]))


def arena_rows(stored: list[Stored], terms: Mapping[str, Terms]) -> Iterator[ArenaRow]:
    """As the leaderboard has it."""
    for board in boards(stored, terms):
        ranked = sum(row.rank_low is not None for row in board.rows)
        yield ArenaRow(board.arena, len(board.seeds), ranked, board.least_difference, board.kendall_tau)
