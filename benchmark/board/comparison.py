"""Two submissions against each other: paired differences of their scores, arena by arena, corrected for their number."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from benchmark.board.row import Floats
from benchmark.board.rows import SCORINGS, standing
from benchmark.records import Stored, Terms
from benchmark.scoring.statistics import CONFIDENCE, Interval, holm, interval, p_value


@dataclass(frozen=True)
class Comparison:
    """The OOD score of one submission less that of another, on common resamples."""

    arena: str
    difference: Interval
    p: float  # two-sided
    p_holm: float  # corrected for the number of arenas compared
    half_width: float  # of the interval: a difference below it is not seen

    def conclusion(self, first: str, second: str) -> str:
        """What may be said, in words."""
        if self.p_holm > 1 - CONFIDENCE:
            unseen = f"a difference below {self.half_width:.3f} would not be seen"
            return f"{first} and {second} cannot be told apart; {unseen}"
        better, worse = (first, second) if self.difference.value > 0 else (second, first)
        return f"{better} is more faithful out of distribution than {worse}"


def compare(
    stored: list[Stored], terms: Mapping[str, Terms], first: str, second: str, arenas: list[str]
) -> tuple[list[Comparison], dict[str, str]]:
    """The arenas in which both have a score, and of the others why not."""
    found, why = [], {}
    for arena in arenas:
        groups = [
            [one for one in stored if (one.record.arena, one.record.submission) == (arena, name)]
            for name in (first, second)
        ]
        problem = _problem(groups, terms[arena], (first, second))
        if problem:
            why[arena] = problem
            continue
        difference = _difference(groups, terms[arena])
        away = interval(abs(difference - difference[0]))
        found.append(Comparison(arena, interval(difference), p_value(difference), 1.0, away.high))
    corrected = holm([one.p for one in found])
    return [replace(one, p_holm=p) for one, p in zip(found, corrected, strict=True)], why


def _problem(groups: list[list[Stored]], terms: Terms, names: tuple[str, str]) -> str:
    for name, group in zip(names, groups, strict=True):
        if not group:
            return f"no records of {name}"
        status, note = standing([one.record for one in group], terms)
        if status != "ok":
            return f"{name} is {status}: {note}"
    return ""


def _difference(groups: list[list[Stored]], terms: Terms) -> Floats:
    """The paired difference of the OOD scores, [R]."""
    first, second = SCORINGS[groups[0][0].record.track].score(groups, terms.seeds)
    return first.on_ood - second.on_ood
