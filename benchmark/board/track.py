"""What the board asks of a track: its scores and their resamples, its figures, how they are shown, what got worse.

The track objects are in tracks.py. Everybody asks them, nobody tests what they are.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any, ClassVar

from simplibench.arrays import Floats
from simplibench.board.measures import Measures, StratumPoint
from simplibench.board.regression import Change, Comparison, Quartiles
from simplibench.board.row import Row, Scores
from simplibench.board.table import TextTable
from simplibench.records import Record, Stored
from simplibench.scoring.inference import Interval

Sample = tuple[Floats, Floats]  # the score on ID and on OOD splits, [R, entry]: the sample itself, then its resamples
Entry = tuple[str, str]  # submission and label


@dataclass(frozen=True)
class Value:
    """A value of a row: its text, the number it is sorted by, and its interval if it has one."""

    text: str
    key: float | None = None
    interval: Interval | None = None


Column = Callable[[Row], Value]


def figure(name: str) -> Column:
    """Return the column of a figure of the track, with its interval if the row has `<name>_low` and `<name>_high`."""

    def value(row: Row) -> Value:
        estimate, low, high = (row.figures.get(key) for key in (name, f"{name}_low", f"{name}_high"))
        if estimate is None:
            return Value("")
        interval = None if low is None or high is None else Interval(estimate, low, high)
        return Value(f"{estimate:.3f}", estimate, interval)

    return value


def mean(values: Sequence[float]) -> float | None:
    """Return the mean; None of nothing."""
    return fmean(values) if values else None


class BoardTrack(ABC):
    """A kind of method, as the board ranks and shows it."""

    bounds: ClassVar[tuple[float, float]]  # of a score
    score_name: ClassVar[str]  # what the score is a mean of
    short_score_name: ClassVar[str] = "OOD score"  # on an axis
    other_measure: ClassVar[str]  # what the other score of a submission is made with
    main_measure: ClassVar[str]  # the measure by split that tables show
    map_caption: ClassVar[str]  # of the chart of measures by split
    time_title: ClassVar[str]  # what a time ratio is, on an axis
    columns: ClassVar[Mapping[str, Column]]  # of a leaderboard's row, beside those that every track has

    @abstractmethod
    def scores(self, groups: list[list[Stored]], seeds: list[int]) -> list[Scores]:
        """Return the scores of submissions, each given by its records, over the references `seeds`."""

    @abstractmethod
    def figures(self, group: list[Stored]) -> Mapping[str, float | None]:
        """Return what a row shows of records without a score, under the names that `Scores.figures` has."""

    @abstractmethod
    def sample(self, stored: list[Stored]) -> Sample:
        """Return the resampled scores of successful records that share their arena, reference and ground."""

    @abstractmethod
    def entry_figures(self, stored: list[Stored]) -> dict[str, float | None]:
        """Return an entry's figures, means over the references of its successful records, by the names that tables show."""

    @abstractmethod
    def measures(self, stored: list[Stored]) -> Measures:
        """Return an entry's measures by split, means over the references of its successful records."""

    def mapped(self, entries: Sequence[Measures]) -> list[str]:
        """Return which of the entries' measures are drawn by split, in order."""
        return [self.main_measure]

    def rate(self, stored: list[Stored]) -> float | None:
        """Return an entry's rate in bits per token, mean over the references; None where the track has none."""
        return None

    def ceiling_bits(self, record: Record) -> float | None:
        """Return identity's rate in bits per token; None where the track has none."""
        return None

    def faithfulness(self, record: Record) -> Mapping[str, float] | None:
        """Return a record's faithfulness by split, not clipped; None where the track measures something else."""
        return None

    def floors(self, stored: list[Stored]) -> Any:
        """Return what `strata` holds an arena's entries against."""
        return None

    def strata(self, stored: list[Stored], floors: Any) -> list[StratumPoint]:
        """Return what an entry keeps by split and stratum; nothing where the track has no strata."""
        return []

    def details(self, by_entry: Mapping[Entry, list[Record]]) -> list[TextTable]:
        """Return the tables that `simplibench info` shows of an arena's successful records."""
        return []

    @abstractmethod
    def changes(self, recorded: Stored, now: Stored) -> Iterator[Change]:
        """Yield each score on each split, as recorded and as measured again on all or some of the same cases.

        Raises ValueError where the two are not of the same cases, DamagedFile where a table is missing.
        """

    def rates(self, recorded: Record, now: Record) -> tuple[float, float] | None:
        """Return both rates in bits per token; None where the track has none."""
        return None

    @abstractmethod
    def runtimes(self, recorded: Record, now: Record) -> tuple[Quartiles, Quartiles] | None:
        """Return both times over the reference's; None where they are of different cases."""

    def compare(self, recorded: Stored, now: Stored) -> Comparison:
        """Hold an entry's new record against its old one, which succeeded. The new one may be of fewer cases.

        Raises ValueError where the two are not of the same cases or tracks, DamagedFile where a table is missing.
        """
        then, again = recorded.record, now.record
        if again.track != then.track:
            raise ValueError(f"{recorded.path}: of another track than {now.path}")
        if again.status == "failed":
            return Comparison(then.arena, then.entry, then.seed, broken=f"it failed: {again.reason}")
        lost = [name for name in then.splits if name not in again.splits]
        if lost:
            return Comparison(then.arena, then.entry, then.seed, broken=f"not run on {', '.join(lost)}: no data here")
        changes = tuple(self.changes(recorded, now))
        return Comparison(
            then.arena, then.entry, then.seed, changes, self.rates(then, again), self.runtimes(then, again)
        )
