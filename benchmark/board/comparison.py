"""Two submissions against each other: paired differences of their scores, arena by arena, corrected for their number."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from simplibench.arrays import Floats
from simplibench.board.rows import rank_status
from simplibench.board.tracks import TRACKS
from simplibench.records import Stored, Terms
from simplibench.scoring.differences import holm
from simplibench.scoring.inference import CONFIDENCE, Interval, mean_interval, minimum_detectable_difference, p_values


@dataclass(frozen=True)
class Comparison:
    """The OOD score of one submission less that of another, on common resamples."""

    arena: str
    difference: Interval
    p: float  # two-sided
    p_holm: float  # corrected for the number of arenas compared
    minimum_detectable: float  # a difference below it is not seen, not even in the best of the arenas that are left

    def conclusion(self, first: str, second: str) -> str:
        """Return what may be said, in words."""
        if not self.minimum_detectable and not self.difference.value:
            return f"{first} and {second} score the same"
        if self.p_holm > 1 - CONFIDENCE:
            unseen = f"a difference below {self.minimum_detectable:.3f} would not be seen"
            return f"{first} and {second} cannot be told apart; {unseen}"
        better, worse = (first, second) if self.difference.value > 0 else (second, first)
        return f"{better} is more faithful out of distribution than {worse}"


def compare(
    stored: list[Stored],
    terms: Mapping[str, Terms],
    first: str,
    second: str,
    arenas: list[str],
    faults: Mapping[tuple[str, str], str] | None = None,
) -> tuple[list[Comparison], dict[str, str]]:
    """Return the arenas in which both have a score, and of the others why not; `faults` as for `boards`."""
    by_seed, why = {}, {}
    for arena in arenas:
        groups = [
            [kept for kept in stored if (kept.record.arena, kept.record.submission) == (arena, name)]
            for name in (first, second)
        ]
        problem = _problem(
            groups, terms[arena], {name: (faults or {}).get((arena, name), "") for name in (first, second)}
        )
        if problem:
            why[arena] = problem
        else:
            by_seed[arena] = _differences(groups, terms[arena])
    return _corrected(by_seed), why


def _corrected(by_seed: Mapping[str, Floats]) -> list[Comparison]:
    """Correct the tests of several arenas; what is detectable follows from the level at which Holm's procedure ended."""
    p = [float(p_values(differences)) for differences in by_seed.values()]
    p_holm = holm(p)
    left = sum(p_value > 1 - CONFIDENCE for p_value in p_holm)
    return [
        Comparison(
            arena=arena,
            difference=mean_interval(differences),
            p=p[number],
            p_holm=p_holm[number],
            minimum_detectable=float(minimum_detectable_difference(differences, (1 - CONFIDENCE) / max(left, 1))),
        )
        for number, (arena, differences) in enumerate(by_seed.items())
    ]


def _problem(groups: list[list[Stored]], terms: Terms, faults: Mapping[str, str]) -> str:
    for (name, fault), group in zip(faults.items(), groups, strict=True):
        if not group:
            return f"no records of {name}" + (f": {fault}" if fault else "")
        status, note = rank_status(group, terms, fault)
        if status != "ok":
            return f"{name} is {status}: {note}"
    return ""


def _differences(groups: list[list[Stored]], terms: Terms) -> Floats:
    """Return the paired differences of the OOD scores, [seed, R]."""
    first, second = TRACKS[groups[0][0].record.track].scores(groups, terms.seeds)
    return np.subtract(first.ood_by_seed, second.ood_by_seed)
