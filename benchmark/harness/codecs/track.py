"""Codecs as a track: fit, put in, compare."""

from typing import Any

from simplibench.guest import HostedCodec, MethodRunner
from simplibench.harness.codecs.ground import Ground, lay_ground
from simplibench.harness.codecs.measure import Fitted, fit, measure
from simplibench.harness.codecs.summary import ground_counts
from simplibench.harness.track import Result, Step
from simplibench.harness.unit import Conditions, Unit, present, used
from simplibench.methods import AnyEntry, CodecEntry
from simplibench.models import load_reference
from simplibench.records import CodecRecord
from simplibench.tasks import Component, Task


class CodecGround:
    """One component of one reference, run over every split."""

    def __init__(self, unit: Unit, ground: Ground) -> None:
        self.unit, self.ground = unit, ground
        self.table = ground_counts(ground)
        self.facts: dict[str, Any] = {"family": ground.arena.family, "ceiling_bits": ground.ceiling_bits}
        self._shared: dict[str, Fitted] = {}

    def open(self) -> None:
        """The next submission shares no fit with the last."""
        self._shared = {}

    def score(self, callers: tuple[MethodRunner, MethodRunner], entry: AnyEntry, index: int, step: Step) -> Result:
        """Fit, or trim a shared fit, then put the codec in and compare. Raises MethodFailed."""
        assert isinstance(entry, CodecEntry)  # for the type checker: a unit's entries are of its arena's track
        codec = HostedCodec(*callers, entry, index)
        fitted = fit(self.ground, codec, self.unit.seed, self._shared)
        found = measure(self.ground, self.table, codec, fitted, step)
        facts = {
            "part": entry.part,
            "bits_per_token": found.bits_per_token,
            "state_bytes": found.fitted.state_bytes,
            "splits": found.splits,
            "runtime": found.runtime,
        }
        return Result(facts, found.counts)


class CodecTrack:
    """See Track."""

    record: type[CodecRecord] = CodecRecord

    def lay_ground(self, unit: Unit, conditions: Conditions) -> CodecGround:
        """Load the reference and run it over the splits."""
        assert isinstance(unit.arena, Component)  # for the type checker: this is the track of components
        family = unit.task.family(unit.arena.family)
        reference = load_reference(unit.task, unit.seed, family, conditions.device)
        sentences = used(unit.task, conditions.limit)
        ground = lay_ground(unit.task, reference, unit.arena, conditions.device, sentences, conditions.compared)
        return CodecGround(unit, ground)

    def failed(self, entry: AnyEntry) -> dict[str, Any]:
        """The track's own fields where nothing was measured."""
        assert isinstance(entry, CodecEntry)
        return {"part": entry.part, "bits_per_token": None, "state_bytes": None, "splits": {}, "runtime": None}

    def steps(self, task: Task) -> int:
        """A step a split."""
        return len(present(task))
