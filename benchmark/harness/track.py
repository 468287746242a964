"""What the harness asks of a track: prepare an arena once, score entries on it, say what to record.

The track objects are in tracks.py; everybody asks them, nobody tests what they are.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from torch import Tensor

from simplibench.guest import MethodRunner, Problem
from simplibench.guest.contract import Promise
from simplibench.harness.unit import RunConfig, Unit
from simplibench.records import Table
from simplibench.tasks import Task

Step = Callable[[str], None]  # told before each part of an entry's work
Runners = tuple[MethodRunner, MethodRunner]  # who encodes and who decodes; a method of one step uses the first


@dataclass(frozen=True)
class Result:
    """What scoring an entry gave."""

    facts: dict[str, Any]  # the track's own fields of the record
    counts: Table


class ArenaContext(Protocol):
    """All that an arena and reference offer to every entry alike."""

    facts: dict[str, Any]  # fields of the record that even a failed entry has

    @property
    def table(self) -> Table:
        """Return what is saved once beside their records."""

    def score(self, runners: Runners, entry: Any, index: int, step: Step) -> Result:
        """Score entry number `index` of the unit that was opened last. Raises MethodFailed."""

    def open(self) -> None:
        """Forget what was shared between the entries of the last submission: another one's follow."""


class Trial(Protocol):
    """What the entries of a track are tried on, quickly, before a run."""

    def problems(self, encoder: MethodRunner, decoder: MethodRunner, entry: Any, index: int) -> list[Problem]:
        """Try entry number `index`; return every broken promise, each told once."""


class Track(Protocol):
    """A kind of method."""

    promises: tuple[Promise, ...]  # what `validate` and the pytest plugin try
    compared: int  # sentences or cases per split that a check scores again, unless it is told otherwise

    def trial(self) -> Trial:
        """Return what its entries are tried on."""

    def prepare(self, unit: Unit, config: RunConfig) -> ArenaContext:
        """Load the references and run them; what takes long and serves all entries."""

    def failed(self, entry: Any) -> dict[str, Any]:
        """Return the track's own fields of the record where nothing was measured."""

    def steps(self, task: Task) -> int:
        """Return how often `step` is called for an entry that succeeds."""

    def forward(
        self, unit: Unit, entry: Any, index: int, config: RunConfig, runners: Runners
    ) -> Callable[[], Tensor] | None:
        """Return one forward pass of the proxy, to be timed by others; None where methods make no proxy."""
