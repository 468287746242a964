"""Codecs as a track of the harness: fit, put in, compare."""

from typing import Any

from simplibench.guest import HostedCodec, MethodRunner
from simplibench.harness.codec.context import ReferenceRun, prepare
from simplibench.harness.codec.measure import Fitted, fit, measure
from simplibench.harness.codec.summary import reference_counts
from simplibench.harness.track import Result, Step
from simplibench.harness.unit import Conditions, Unit, present, used
from simplibench.methods import AnyEntry, CodecEntry
from simplibench.models import load_reference
from simplibench.records import CodecRecord
from simplibench.tasks import Component, Task


class CodecContext:
    """The context of an arena and reference: one component, run over every split."""

    def __init__(self, unit: Unit, run: ReferenceRun) -> None:
        self.unit, self.run = unit, run
        self.table = reference_counts(run)
        self.facts: dict[str, Any] = {"family": run.arena.family, "ceiling_bits": run.ceiling_bits}
        self._shared: dict[str, Fitted] = {}

    def open(self) -> None:
        """Forget shared fits: the next submission shares none with the last."""
        self._shared = {}

    def score(self, callers: tuple[MethodRunner, MethodRunner], entry: AnyEntry, index: int, step: Step) -> Result:
        """Fit, or trim a shared fit, then put the codec in and compare. Raises: MethodFailed."""
        assert isinstance(entry, CodecEntry)  # for the type checker: a unit's entries are of its arena's track
        codec = HostedCodec(*callers, entry, index)
        fitted = fit(self.run, codec, self.unit.seed, self._shared)
        measured = measure(self.run, self.table, codec, fitted, step)
        facts = {
            "part": entry.part,
            "bits_per_token": measured.bits_per_token,
            "state_bytes": measured.fitted.state_bytes,
            "splits": measured.splits,
            "runtime": measured.runtime,
        }
        return Result(facts, measured.counts)


class CodecTrack:
    """The codec track; see `Track`."""

    record: type[CodecRecord] = CodecRecord

    def prepare(self, unit: Unit, conditions: Conditions) -> CodecContext:
        """Load the reference and run it over the splits."""
        assert isinstance(unit.arena, Component)  # for the type checker: this is the track of components
        family = unit.task.family(unit.arena.family)
        reference = load_reference(unit.task, unit.seed, family, conditions.device)
        sentences = used(unit.task, conditions.limit)
        run = prepare(unit.task, reference, unit.arena, conditions.device, sentences, conditions.compared)
        return CodecContext(unit, run)

    def failed(self, entry: AnyEntry) -> dict[str, Any]:
        """Return the track's fields of a record of a failed entry."""
        assert isinstance(entry, CodecEntry)
        return {"part": entry.part, "bits_per_token": None, "state_bytes": None, "splits": {}, "runtime": None}

    def steps(self, task: Task) -> int:
        """Return the number of steps of an entry: one per split."""
        return len(present(task))
