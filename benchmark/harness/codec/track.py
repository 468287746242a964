"""Codecs as a track: fit, put in, compare."""

from typing import Any

from simplibench.guest import HostedCodec, MethodRunner
from simplibench.harness.codec.context import ReferenceRun, prepare
from simplibench.harness.codec.measure import Fitted, fit, measure
from simplibench.harness.codec.summary import reference_counts
from simplibench.harness.track import Result, Step
from simplibench.harness.unit import Conditions, Unit, present, used
from simplibench.methods import CodecEntry, EntryManifest
from simplibench.models import load_reference
from simplibench.records import CodecRecord
from simplibench.tasks import Component, Task


class CodecContext:
    """One component of one reference, run over every split."""

    def __init__(self, unit: Unit, run: ReferenceRun) -> None:
        self.unit, self.run = unit, run
        self.table = reference_counts(run)
        self.facts: dict[str, Any] = {"family": run.arena.family, "ceiling_bits": run.ceiling_bits}
        self._shared: dict[str, Fitted] = {}

    def open(self) -> None:
        """The next submission shares no fit with the last."""
        self._shared = {}

    def score(self, callers: tuple[MethodRunner, MethodRunner], entry: EntryManifest, index: int, step: Step) -> Result:
        """Fit, or trim a shared fit, then put the codec in and compare. Raises MethodFailed."""
        assert isinstance(entry, CodecEntry)  # for the type checker: a unit's entries are of its arena's track
        codec = HostedCodec(*callers, entry, index)
        fitted = fit(self.run, codec, self.unit.seed, self._shared)
        found = measure(self.run, self.table, codec, fitted, step)
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

    def prepare(self, unit: Unit, conditions: Conditions) -> CodecContext:
        """Load the reference and run it over the splits."""
        assert isinstance(unit.arena, Component)  # for the type checker: this is the track of components
        family = unit.task.family(unit.arena.family)
        reference = load_reference(unit.task, unit.seed, family, conditions.device)
        sentences = used(unit.task, conditions.limit)
        run = prepare(unit.task, reference, unit.arena, conditions.device, sentences, conditions.compared)
        return CodecContext(unit, run)

    def failed(self, entry: EntryManifest) -> dict[str, Any]:
        """The track's own fields where nothing was measured."""
        assert isinstance(entry, CodecEntry)
        return {"part": entry.part, "bits_per_token": None, "state_bytes": None, "splits": {}, "runtime": None}

    def steps(self, task: Task) -> int:
        """A step a split."""
        return len(present(task))
