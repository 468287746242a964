"""Run a split's scenes with simplified rows and compare with the reference, case by case.

Shapes: H heads, N rows, V vocabulary, T positions.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from benchmark.harness.batches import Batch, likeliest
from benchmark.harness.codecs.stage import Stage
from benchmark.models import Cut, Rows
from benchmark.scoring.divergence import entropy, jensen_shannon_bits
from benchmark.tasks import Split

Bools = npt.NDArray[np.bool_]
Numbers = npt.NDArray[np.float64]
KEPT_WEIGHTS = 512  # attention weights a case, at most: more take less time to make again than there is memory to keep
Simplify = Callable[[Rows, Batch], Rows]  # a batch's rows -> the rows put in their place


@dataclass(frozen=True)
class Scene:
    """One batch before any entry touches it, with what the reference says of its cases."""

    batch: Batch
    cut: Cut  # at queries and keys, or at the residual stream
    probabilities: Tensor  # [case, V]
    predicted: Tensor  # [case] the most likely candidate
    entropy: Tensor  # [case] of the probabilities
    attention: "Attention | None"  # None in residual arenas, and where it is made again each time


@dataclass(frozen=True)
class Attention:
    """The reference's attention at the cases, with what every comparison needs of it."""

    patterns: Tensor  # [case, H, T]
    entropy: Tensor  # [case, H]
    top: Tensor  # [case, H] the most attended position


@dataclass(frozen=True)
class Outcome:
    """How a proxy did on a split's cases, each [case] in the split's order."""

    agree: Bools
    right: Bools
    divergence_bits: Numbers
    pattern_divergence_bits: Numbers | None  # mean over heads
    pattern_agree: Numbers | None  # share of heads whose most attended position is the reference's


def set_scene(stage: Stage, batch: Batch, candidates: range) -> Scene:
    """Run the reference on a batch through the path that proxies take, so that identity agrees to the last bit."""
    cut = stage.prefix(batch)
    attended = stage.attend(cut, batch)
    logits = stage.logits(attended, batch)
    probabilities, attention = logits.softmax(-1), _attention(stage, attended, batch)
    if attention is not None and attention.patterns[0].numel() > KEPT_WEIGHTS:
        attention = None
    return Scene(batch, cut, probabilities, likeliest(logits, candidates), entropy(probabilities), attention)


def _attention(stage: Stage, attended: Cut, batch: Batch) -> Attention | None:
    patterns = stage.asked_patterns(attended, batch)
    return None if patterns is None else Attention(patterns, entropy(patterns), patterns.argmax(-1))


def play(stage: Stage, split: Split, scenes: list[Scene], simplify: Simplify, candidates: range) -> Outcome:
    """The outcome of a split whose rows are simplified."""
    outcomes = [_play_scene(stage, split, scene, simplify, candidates) for scene in scenes]
    order = np.argsort(np.concatenate([scene.batch.cases.numpy() for scene in scenes]))

    def joined(name: str) -> npt.NDArray[np.generic] | None:
        columns = [getattr(outcome, name) for outcome in outcomes]
        return None if columns[0] is None else np.concatenate(columns)[order]

    return Outcome(**{name: joined(name) for name in Outcome.__dataclass_fields__})  # type: ignore[arg-type]


def _play_scene(stage: Stage, split: Split, scene: Scene, simplify: Simplify, candidates: range) -> Outcome:
    batch = scene.batch
    cut = stage.opened(scene.cut, batch)
    changed = stage.attend(stage.replaced(cut, batch, simplify(stage.rows(cut, batch), batch)), batch)
    logits = stage.logits(changed, batch)
    predicted = likeliest(logits, candidates)
    reference = scene.attention or _attention(stage, stage.attend(cut, batch), batch)
    patterns = stage.asked_patterns(changed, batch)
    if patterns is not None and stage.part == "pattern":
        patterns = _as_distributions(patterns)
    return Outcome(
        agree=(predicted == scene.predicted).cpu().numpy(),
        right=predicted.cpu().numpy() == split.cases.target[batch.cases],
        divergence_bits=_numbers(jensen_shannon_bits(scene.probabilities, logits.softmax(-1), scene.entropy)),
        pattern_divergence_bits=_pattern_divergence(reference, patterns),
        pattern_agree=_pattern_agreement(reference, patterns),
    )


def _as_distributions(patterns: Tensor) -> Tensor:
    """A codec may return weights that are no distribution; the proxy runs on them, the divergence needs one."""
    positive = patterns.clamp(min=0)
    return positive / positive.sum(-1, keepdim=True).clamp(min=torch.finfo(patterns.dtype).tiny)


def _pattern_divergence(reference: Attention | None, proxy: Tensor | None) -> Numbers | None:
    if reference is None or proxy is None:
        return None
    return _numbers(jensen_shannon_bits(reference.patterns, proxy, reference.entropy).mean(-1))


def _pattern_agreement(reference: Attention | None, proxy: Tensor | None) -> Numbers | None:
    if reference is None or proxy is None:
        return None
    return _numbers((reference.top == proxy.argmax(-1)).float().mean(-1))


def _numbers(values: Tensor) -> Numbers:
    return values.double().cpu().numpy()
