"""Codecs as a track of the harness: fit, put in, compare."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from torch import Tensor

from simplibench.guest import HostedCodec
from simplibench.guest.codec_contract import CODEC_PROMISES
from simplibench.guest.contract import Promise
from simplibench.harness.codec.context import ReferenceRun, prepare
from simplibench.harness.codec.measure import CodecPatch, Fitted, fit, measure, patch_of, timed_batch
from simplibench.harness.codec.summary import reference_counts
from simplibench.harness.codec.trial import CodecTrial
from simplibench.harness.track import Result, Runners, Step
from simplibench.harness.unit import RunConfig, Unit, present, used
from simplibench.methods import CodecEntry
from simplibench.models import load_reference
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

    def score(self, runners: Runners, entry: CodecEntry, index: int, step: Step) -> Result:
        """Fit, or trim a shared fit, then put the codec in and compare. Raises MethodFailed."""
        codec = HostedCodec(*runners, entry, index)
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

    promises: tuple[Promise, ...] = CODEC_PROMISES
    compared = 100  # all splits stay, since a proxy may fail on any of them

    def trial(self) -> CodecTrial:
        """Return real rows to try codecs on."""
        return CodecTrial()

    def prepare(self, unit: Unit, config: RunConfig) -> CodecContext:
        """Load the reference and run it over the splits."""
        arena = unit.arena_as(Component)
        family = unit.task.family(arena.family)
        reference = load_reference(unit.task, unit.seed, family, config.device)
        sentences = used(unit.task, config.limit)
        run = prepare(unit.task, reference, arena, config.device, sentences, config.compared)
        return CodecContext(unit, run)

    def failed(self, entry: CodecEntry) -> dict[str, Any]:
        """Return the track's fields of a record of a failed entry."""
        return {"part": entry.part, "bits_per_token": None, "state_bytes": None, "splits": {}, "runtime": None}

    def steps(self, task: Task) -> int:
        """Return the number of steps of an entry: one per split."""
        return len(present(task))

    def forward(
        self, unit: Unit, entry: CodecEntry, index: int, config: RunConfig, runners: Runners
    ) -> Callable[[], Tensor]:
        """Fit a codec; return the pass that records time: prefix, codec, suffix on one batch. Raises MethodFailed."""
        run = self.prepare(unit, replace(config, compared=1)).run
        codec = HostedCodec(*runners, entry, index)
        patch, batch = patch_of(run, entry), timed_batch(run)
        simplify = CodecPatch(patch, codec, fit(run, codec, unit.seed, {}).states, metered=False)

        def forward() -> Tensor:
            cut = patch.prefix(batch)
            changed = patch.patched(cut, batch, simplify(patch.rows(cut, batch), batch))
            return patch.logits(patch.attended(changed, batch), batch)

        return forward
