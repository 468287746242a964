"""Standard errors of score and gap due to references alone and to sentences alone, from records."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from simplibench.arrays import Floats
from simplibench.board import boards
from simplibench.board.row import Scores
from simplibench.board.rows import rank_status
from simplibench.board.tracks import TRACKS
from simplibench.records import Stored, Terms


@dataclass(frozen=True)
class SourceRow:
    """The OOD score and gap of one submission, with their standard errors by source of chance."""

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
    """The smallest typically detectable difference in an arena, given its references and sentences."""

    arena: str
    references: int
    ranked: int
    least_difference: float | None  # of two scores, to be significant
    kendall_tau: float | None  # between the orders by agreement and by divergence


def source_rows(stored: list[Stored], terms: Mapping[str, Terms]) -> Iterator[SourceRow]:
    """Yield one row per submission that has a score, arena by arena."""
    groups: dict[str, dict[str, list[Stored]]] = defaultdict(lambda: defaultdict(list))
    for result in stored:
        if result.record.arena in terms and result.record.seed != "untrained":
            groups[result.record.arena][result.record.submission].append(result)
    for arena in sorted(groups):
        scored = [group for group in groups[arena].values() if rank_status(group, terms[arena])[0] == "ok"]
        if not scored:
            continue
        all_scores = TRACKS[scored[0][0].record.track].scores(scored, terms[arena].seeds)
        for group, scores in zip(scored, all_scores, strict=True):
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
    """Return the standard error of the mean over references, on the sample itself; `values` are [R] per reference.

    None for a single reference.
    """
    if len(values) < 2:
        return None
    return float(np.std([resampled[0] for resampled in values], ddof=1) / np.sqrt(len(values)))


def over_sentences(values: Sequence[Floats]) -> float:
    """Return the standard error of the same mean over resampled sentences, with the references fixed."""
    return float(np.mean(values, axis=0)[1:].std(ddof=1))


def _mean(values: Sequence[Floats]) -> float:
    return float(np.mean([resampled[0] for resampled in values]))


def arena_rows(stored: list[Stored], terms: Mapping[str, Terms]) -> Iterator[ArenaRow]:
    """Yield one row per arena of the leaderboard."""
    for board in boards(stored, terms):
        ranked = sum(row.rank_low is not None for row in board.rows)
        yield ArenaRow(board.arena, len(board.seeds), ranked, board.least_difference, board.kendall_tau)
