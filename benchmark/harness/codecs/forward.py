"""One forward pass of a proxy, to be timed by others."""

from collections.abc import Callable
from dataclasses import replace

from torch import Tensor

from simplibench.guest import HostedCodec, MethodRunner
from simplibench.harness.codecs.measure import Simplifier, fit, stage_of, timed_batch
from simplibench.harness.codecs.track import CodecTrack
from simplibench.harness.unit import Conditions, Unit
from simplibench.methods import AnyEntry, CodecEntry


def proxy_forward(
    unit: Unit, entry: AnyEntry, index: int, conditions: Conditions, callers: tuple[MethodRunner, MethodRunner]
) -> Callable[[], Tensor]:
    """Fit a codec and return the pass that records time: prefix, codec, suffix on one batch. Raises MethodFailed."""
    assert isinstance(entry, CodecEntry)  # for the type checker: explainers make no proxies
    ground = CodecTrack().lay_ground(unit, replace(conditions, compared=1)).ground
    codec = HostedCodec(*callers, entry, index)
    stage, batch = stage_of(ground, entry), timed_batch(ground)
    simplify = Simplifier(stage, codec, fit(ground, codec, unit.seed, {}).states, metered=False)

    def forward() -> Tensor:
        cut = stage.prefix(batch)
        changed = stage.replaced(cut, batch, simplify(stage.rows(cut, batch), batch))
        return stage.logits(stage.attend(changed, batch), batch)

    return forward
