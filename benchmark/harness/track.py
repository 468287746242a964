"""What the harness asks of a track: prepare an arena once, score entries on it, say what to record."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from simplibench.guest import MethodRunner
from simplibench.harness.unit import Conditions, Unit
from simplibench.methods import EntryManifest
from simplibench.records import CodecRecord, ExplainerRecord, Table
from simplibench.tasks import Task

Step = Callable[[str], None]  # told before each part of an entry's work


@dataclass(frozen=True)
class Result:
    """What scoring an entry found out."""

    facts: dict[str, Any]  # the track's own fields of the record
    counts: Table


class ArenaContext(Protocol):
    """All that an arena and reference offer to every entry alike."""

    facts: dict[str, Any]  # fields of the record that even a failed entry has

    @property
    def table(self) -> Table:
        """What is saved once beside their records."""

    def score(self, callers: tuple[MethodRunner, MethodRunner], entry: EntryManifest, index: int, step: Step) -> Result:
        """Score entry number `index` of the unit that was opened last. Raises MethodFailed."""

    def open(self) -> None:
        """Another submission's entries follow: forget what was shared between those of the last."""


class Track(Protocol):
    """A kind of method."""

    @property
    def record(self) -> type[CodecRecord] | type[ExplainerRecord]:
        """The schema of its records."""

    def prepare(self, unit: Unit, conditions: Conditions) -> ArenaContext:
        """Load the references and run them; what takes long and serves all entries."""

    def failed(self, entry: EntryManifest) -> dict[str, Any]:
        """The track's own fields of the record where nothing was measured."""

    def steps(self, task: Task) -> int:
        """How often `step` is called for an entry that succeeds."""
