"""A line of the leaderboard, whatever the track."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import numpy.typing as npt

from simplibench.scoring.inference import Interval, mean_interval

Floats = npt.NDArray[np.floating]
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
    other_score: float | None = None  # the OOD score by the track's other measure; see scores.py of each
    rank_low: int | None = None
    rank_high: int | None = None
    forward_ratio: float | None = None  # proxy or explanation / reference forward, median over records
    reference: str = ""
    figures: Mapping[str, float | None] = field(default_factory=dict)  # the track's own, by their names in JSON


SHARE, CORRELATION = (0.0, 1.0), (-1.0, 1.0)
BOUNDS = {"codec": SHARE, "explainer": (-0.5, 1.0)}  # an explainer's score is the mean of a share and a correlation


def score_interval(by_seed: Sequence[Floats], track: str) -> Interval:
    """Of a resampled score, [R] a reference."""
    return mean_interval(np.stack(by_seed), BOUNDS[track])


def gap_interval(id_by_seed: Sequence[Floats], ood_by_seed: Sequence[Floats], track: str) -> Interval:
    """Of the difference of two resampled scores, [R] a reference each."""
    low, high = BOUNDS[track]
    return mean_interval(np.subtract(id_by_seed, ood_by_seed), (low - high, high - low))


@dataclass(frozen=True)
class Scores:
    """What a track makes of a submission's records; [R] begins with the sample itself, then its resamples."""

    ood_by_seed: Sequence[Floats]  # [R] a reference
    id_by_seed: Sequence[Floats]
    other: float
    figures: Mapping[str, float | None]
    unscored: str = ""  # why it is shown without a score
