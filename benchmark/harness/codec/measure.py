"""The measurement of one entry: fit it, put it into the reference, compare on every split, time it."""

import hashlib
import json
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from simplibench.guest import HostedCodec
from simplibench.harness.codec.context import ReferenceRun, SplitContext, fit_rows
from simplibench.harness.codec.patch import SitePatch
from simplibench.harness.codec.proxy import ProxyOutcome, run_proxy
from simplibench.harness.codec.summary import counts, split_result
from simplibench.harness.runtime import interleaved_ratio, timed
from simplibench.methods import CodecEntry, State
from simplibench.models import VIEWS, Rows, Site
from simplibench.models.batches import Batch, scored_batches
from simplibench.records import Counts, GroundCounts, Runtime, SplitResult
from simplibench.scoring.rate import CodeMeter

TIMED_TOKENS = 4_096  # a batch of the first split's longest sentences, if the task's batches are not smaller


@dataclass(frozen=True)
class Fitted:
    """An entry's states, one per head, and the duration of the fit."""

    states: list[State]
    fit_seconds: float

    @property
    def state_bytes(self) -> int:
        """Return the size of all states together."""
        return sum(tensor.nbytes for state in self.states for tensor in state.values())


@dataclass(frozen=True)
class Measured:
    """The results of measuring an entry."""

    fitted: Fitted
    splits: dict[str, SplitResult]
    counts: Counts
    runtime: Runtime

    @property
    def bits_per_token(self) -> float:
        """Return the rate of the most expensive split: a code that needs more bits out of distribution pays for them."""
        return max(split.bits_per_token for split in self.splits.values())


def measure(
    run: ReferenceRun, table: GroundCounts, codec: HostedCodec, fitted: Fitted, step: Callable[[str], None]
) -> Measured:
    """Put a fitted entry into the reference and compare on every split; `step` gets each split's name.

    Raises: MethodFailed.
    """
    patch = patch_of(run, codec.entry)
    outcomes: dict[str, ProxyOutcome] = {}
    bits: dict[str, float] = {}
    for name, part in run.splits.items():
        step(name)
        simplify = CodecPatch(patch, codec, fitted.states)  # of one split at a time: a code may have many symbols
        outcomes[name] = run_proxy(patch, part.split, part.cached_batches, simplify, run.task.candidates)
        if part.whole is part.split or simplify.dense:  # it tells the rate of the whole
            bits[name] = simplify.bits_per_token()
    runtime = _runtime(run, patch, codec, fitted)  # before rows are encoded that no decoding follows
    bits |= {n: _bits_per_token(part, patch, codec, fitted) for n, part in run.splits.items() if n not in bits}
    entry_counts = counts(run, outcomes)
    splits = {name: split_result(run, (table, entry_counts), name, outcomes[name], bits[name]) for name in outcomes}
    return Measured(fitted, splits, entry_counts, runtime)


def _bits_per_token(part: SplitContext, patch: SitePatch, codec: HostedCodec, fitted: Fitted) -> float:
    """Return the rate on the whole split, on a share of which the proxy was run."""
    whole = CodecPatch(patch, codec, fitted.states)
    for batch, cut in part.metered:
        rows = patch.rows(patch.opened(cut, batch), batch)
        deque(whole.encoded(rows, batch), maxlen=0)  # metered, and not decoded
    return whole.bits_per_token()


def patch_of(run: ReferenceRun, entry: CodecEntry) -> SitePatch:
    """Return the patch of the run's component, at the part that the entry wants to see."""
    return SitePatch(run.patch.model, Site(run.arena.layer, VIEWS[run.arena.component, entry.part]))


def fit(run: ReferenceRun, codec: HostedCodec, reference_seed: int | str, shared: dict[str, Fitted]) -> Fitted:
    """Fit an entry on the fit split, or trim the fit that it shares with an earlier entry.

    `shared` holds fits by group, and gets this one. Raises: MethodFailed.
    """
    group = codec.entry.fit_group
    if group not in shared:
        x = fit_rows(patch_of(run, codec.entry), run.fit_batches).cpu()
        name = f"{run.task.name}/{run.arena.name}"
        fits = [codec.fit(head, fit_seed(name, reference_seed, group, index)) for index, head in enumerate(x)]
        shared[group] = Fitted([state for state, _ in fits], sum(seconds for _, seconds in fits))
    return Fitted([codec.trim(state) for state in shared[group].states], shared[group].fit_seconds)


def fit_seed(arena: str, reference_seed: int | str, group: str, head: int) -> int:
    """Return the seed of a fit's generator: it differs by arena, reference, group and head, and is the same in every run."""
    digest = hashlib.sha256(json.dumps([arena, reference_seed, group, head]).encode()).digest()
    return int.from_bytes(digest[:4], "big")


class CodecPatch:
    """A codec at a site: it replaces rows by their decoded codes, and meters the codes on the way."""

    def __init__(self, patch: SitePatch, codec: HostedCodec, states: list[State], metered: bool = True) -> None:
        self.patch, self.codec, self.states, self.metered = patch, codec, states, metered
        self.meters: dict[tuple[str, int], CodeMeter] = {}

    def __call__(self, rows: Rows, batch: Batch) -> Rows:
        """Return the decoded rows; all streams [N, width] of a head pass through its codec in one call."""
        lengths = [stream.shape[1] for stream in rows.values()]
        heads = []
        for state, code, width in self.encoded(rows, batch):
            heads.append(self.codec.decode(state, code, width).to(batch.tokens.device).split(lengths))
        by_stream = dict(zip(rows, zip(*heads, strict=True), strict=True))
        # A single head needs no copy.
        return {name: torch.stack(parts) if len(parts) > 1 else parts[0][None] for name, parts in by_stream.items()}

    def encoded(self, rows: Rows, batch: Batch) -> Iterator[tuple[State, Tensor, int]]:
        """Yield state, code and width of the rows, head by head, and meter the codes."""
        lengths = [stream.shape[1] for stream in rows.values()]
        visible = self.patch.visible(batch)
        for head, state in enumerate(self.states):
            x = torch.cat([stream[head] for stream in rows.values()]).cpu()
            code = self.codec.encode(state, x)
            for name, part in zip(rows, code.split(lengths), strict=True) if self.metered else ():
                meter = self.meters.setdefault((name, head), CodeMeter())
                meter.add(part, None if visible is None else visible.cpu())
            yield state, code, x.shape[1]

    @property
    def dense(self) -> bool:
        """Return whether all codes are floats without a zero; further rows are then taken to have the same rate."""
        return all(meter.dense for meter in self.meters.values())

    def bits_per_token(self) -> float:
        """Return bits per token, summed over streams and heads."""
        return sum(meter.bits() for meter in self.meters.values())


def timed_batch(run: ReferenceRun) -> Batch:
    """Return the batch that forward passes are timed on."""
    split = next(iter(run.splits.values())).whole
    return scored_batches(split, run.patch.model.device, min(TIMED_TOKENS, run.task.batch_tokens))[0]


def _runtime(run: ReferenceRun, patch: SitePatch, codec: HostedCodec, fitted: Fitted) -> Runtime:
    batch = timed_batch(run)
    device = batch.tokens.device.type
    simplify = CodecPatch(patch, codec, fitted.states, metered=False)

    def proxy() -> float:
        """Return the seconds of prefix, codec and suffix, without the transfer of rows to the guest."""
        before = codec.seconds
        prefix_seconds, cut = timed(lambda: patch.prefix(batch), device)
        changed = patch.patched(cut, batch, simplify(patch.rows(cut, batch), batch))
        suffix_seconds, _ = timed(lambda: patch.logits(patch.attended(changed, batch), batch), device)
        return prefix_seconds + codec.seconds - before + suffix_seconds

    ratio = interleaved_ratio(proxy, lambda: patch.model(batch.tokens), device)
    return Runtime(
        fit_seconds=fitted.fit_seconds,
        codec_microseconds=1e6 * codec.seconds / codec.vectors,
        forward_ratio=ratio.median,
        forward_ratio_low=ratio.low,
        forward_ratio_high=ratio.high,
        peak_memory_bytes=codec.peak_memory_bytes,
    )
