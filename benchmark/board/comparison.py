"""Two submissions against each other: paired differences of their scores, arena by arena, corrected for their number."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from simplibench.board.row import Floats
from simplibench.board.rows import SCORINGS, standing
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
    least_seen: float  # a difference below it is not seen, not even in the best of the arenas that are left

    def conclusion(self, first: str, second: str) -> str:
        """What may be said, in words."""
        if not self.least_seen and not self.difference.value:
            return f"{first} and {second} score the same"
        if self.p_holm > 1 - CONFIDENCE:
            unseen = f"a difference below {self.least_seen:.3f} would not be seen"
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
    """The arenas in which both have a score, and of the others why not; `faults` as for `boards`."""
    by_seed, why = {}, {}
    for arena in arenas:
        groups = [
            [one for one in stored if (one.record.arena, one.record.submission) == (arena, name)]
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
    """Tests of several arenas together; where nothing is seen, it would be at the level that Holm's procedure ended at."""
    p = [float(p_values(own)) for own in by_seed.values()]
    p_holm = holm(p)
    left = sum(own > 1 - CONFIDENCE for own in p_holm)
    return [
        Comparison(
            arena=arena,
            difference=mean_interval(own),
            p=p[number],
            p_holm=p_holm[number],
            least_seen=float(minimum_detectable_difference(own, (1 - CONFIDENCE) / max(left, 1))),
        )
        for number, (arena, own) in enumerate(by_seed.items())
    ]


def _problem(groups: list[list[Stored]], terms: Terms, faults: Mapping[str, str]) -> str:
    for (name, fault), group in zip(faults.items(), groups, strict=True):
        if not group:
            return f"no records of {name}" + (f": {fault}" if fault else "")
        status, note = standing(group, terms, fault)
        if status != "ok":
            return f"{name} is {status}: {note}"
    return ""


def _differences(groups: list[list[Stored]], terms: Terms) -> Floats:
    """The paired differences of the OOD scores, [seed, R]."""
    first, second = SCORINGS[groups[0][0].record.track].score(groups, terms.seeds)
    return np.subtract(first.ood_by_seed, second.ood_by_seed)
