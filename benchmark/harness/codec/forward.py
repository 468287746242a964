"""One forward pass of a proxy, for callers that time it."""

from collections.abc import Callable
from dataclasses import replace

from torch import Tensor

from simplibench.guest import HostedCodec, MethodRunner
from simplibench.harness.codec.measure import CodecPatch, fit, patch_of, timed_batch
from simplibench.harness.codec.track import CodecTrack
from simplibench.harness.unit import Conditions, Unit
from simplibench.methods import AnyEntry, CodecEntry


def proxy_forward(
    unit: Unit, entry: AnyEntry, index: int, conditions: Conditions, callers: tuple[MethodRunner, MethodRunner]
) -> Callable[[], Tensor]:
    """Fit a codec and return the forward pass that records time: prefix, codec and suffix on one batch.

    Raises: MethodFailed.
    """
    assert isinstance(entry, CodecEntry)  # for the type checker: explainers make no proxies
    run = CodecTrack().prepare(unit, replace(conditions, compared=1)).run
    codec = HostedCodec(*callers, entry, index)
    patch, batch = patch_of(run, entry), timed_batch(run)
    simplify = CodecPatch(patch, codec, fit(run, codec, unit.seed, {}).states, metered=False)

    def forward() -> Tensor:
        cut = patch.prefix(batch)
        changed = patch.patched(cut, batch, simplify(patch.rows(cut, batch), batch))
        return patch.logits(patch.attended(changed, batch), batch)

    return forward
