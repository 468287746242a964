"""Run a split's scenes with simplified rows and compare with the reference, case by case.

Shapes: H heads, N rows, V vocabulary, T positions.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from torch import Tensor

from simplibench.harness.batches import Batch, likeliest
from simplibench.harness.codecs.patterns import compare_patterns
from simplibench.harness.codecs.stage import Stage
from simplibench.models import Cut, Rows
from simplibench.scoring.divergence import entropy, jensen_shannon_bits
from simplibench.tasks import Split

Bools = npt.NDArray[np.bool_]
Numbers = npt.NDArray[np.float64]
Simplify = Callable[[Rows, Batch], Rows]  # a batch's rows -> the rows put in their place


@dataclass(frozen=True)
class Scene:
    """One batch before any entry touches it, with what the reference says of its cases."""

    batch: Batch
    cut: Cut  # at queries and keys, or at the residual stream
    probabilities: Tensor  # [case, V]
    predicted: Tensor  # [case] the most likely candidate
    entropy: Tensor  # [case] of the probabilities


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
    probabilities = logits.softmax(-1)
    return Scene(batch, cut, probabilities, likeliest(logits, candidates), entropy(probabilities))


def play(
    stage: Stage, split: Split, scenes: list[Scene], simplify: Simplify, candidates: range, patterns: bool = True
) -> Outcome:
    """The outcome of a split whose rows are simplified; without `patterns` only of what is predicted."""
    outcomes = [_play_scene(stage, split, scene, simplify, candidates, patterns) for scene in scenes]
    order = np.argsort(np.concatenate([scene.batch.cases.numpy() for scene in scenes]))

    def joined(name: str) -> npt.NDArray[np.generic] | None:
        columns = [getattr(outcome, name) for outcome in outcomes]
        return None if columns[0] is None else np.concatenate(columns)[order]

    return Outcome(**{name: joined(name) for name in Outcome.__dataclass_fields__})  # type: ignore[arg-type]


def _play_scene(
    stage: Stage, split: Split, scene: Scene, simplify: Simplify, candidates: range, patterns: bool
) -> Outcome:
    batch = scene.batch
    cut = stage.opened(scene.cut, batch)
    changed = stage.attend(stage.replaced(cut, batch, simplify(stage.rows(cut, batch), batch)), batch)
    logits = stage.logits(changed, batch)
    predicted = likeliest(logits, candidates)
    compared = None
    if patterns and stage.part != "residual":
        compared = compare_patterns(stage, stage.attend(cut, batch), changed, batch)
    return Outcome(
        agree=(predicted == scene.predicted).cpu().numpy(),
        right=predicted.cpu().numpy() == split.cases.target[batch.cases],
        divergence_bits=_numbers(jensen_shannon_bits(scene.probabilities, logits.softmax(-1), scene.entropy)),
        pattern_divergence_bits=None if compared is None else _numbers(compared[0]),
        pattern_agree=None if compared is None else _numbers(compared[1]),
    )


def _numbers(values: Tensor) -> Numbers:
    return values.double().cpu().numpy()
