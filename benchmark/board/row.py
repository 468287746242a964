"""A row of the leaderboard, whatever the track."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from simplibench.arrays import Floats
from simplibench.scoring.inference import Interval, mean_interval

Status = Literal["ok", "failed", "incomplete", "outdated", "unranked"]


@dataclass(frozen=True)
class Row:
    """One submission in one arena. Scores are None where there is nothing to compute."""

    arena: str
    submission: str
    control: bool
    status: Status
    note: str  # what keeps it from a rank
    entries: int
    failed_entries: int
    score: Interval | None = None  # on OOD splits
    id_score: Interval | None = None
    gap: Interval | None = None  # ID minus OOD
    other_score: float | None = None  # the OOD score by the other measure of the track
    rank_low: int | None = None
    rank_high: int | None = None
    forward_ratio: float | None = None  # proxy or explanation / reference forward, median over records
    citation: str = ""  # the paper or page that describes the method
    figures: Mapping[str, float | None] = field(default_factory=dict)  # the track's own, by their names in JSON


SHARE, CORRELATION = (0.0, 1.0), (-1.0, 1.0)  # bounds


def score_interval(by_seed: Sequence[Floats], bounds: tuple[float, float]) -> Interval:
    """Return the interval of a resampled score, [R] per reference."""
    return mean_interval(np.stack(by_seed), bounds)


def gap_interval(id_by_seed: Sequence[Floats], ood_by_seed: Sequence[Floats], bounds: tuple[float, float]) -> Interval:
    """Return the interval of the difference of two resampled scores, [R] per reference each."""
    low, high = bounds
    return mean_interval(np.subtract(id_by_seed, ood_by_seed), (low - high, high - low))


@dataclass(frozen=True)
class Scores:
    """The scores of a submission's records; [R] begins with the sample itself, then its resamples."""

    ood_by_seed: Sequence[Floats]  # [R] per reference
    id_by_seed: Sequence[Floats]
    other: float
    figures: Mapping[str, float | None]
    unscored: str = ""  # why it is shown without a score
