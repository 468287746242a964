"""The contract of explainers: the promises that every entry must keep, and their check."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from simplibench.errors import MethodFailed
from simplibench.guest.contract import ABSOLUTE, INPUT_KEPT, RELATIVE, Problem, Promise, input_kept
from simplibench.guest.explainer import HostedExplainer
from simplibench.guest.messages import MethodRunner
from simplibench.methods.entries import ExplainerEntry
from simplibench.models import Network

PADDING = 3  # tokens
REPEATABLE = "the same attributions for the same question"
INDEPENDENT = "cases independent of each other"
UNPADDED = "attributions that do not depend on padding"
EXPLAINER_METHODS = ("explain",)
EXPLAINER_PROMISES = tuple(Promise("explain", text) for text in (INPUT_KEPT, REPEATABLE, INDEPENDENT, UNPADDED))


@dataclass(frozen=True)
class Question:
    """Cases of one model to check an explainer on."""

    model: Network
    candidates: range
    tokens: Tensor  # [case, token]
    positions: Tensor  # [case]


def check_explainer(
    runner: MethodRunner, entry: ExplainerEntry, index: int, questions: list[Question]
) -> list[Problem]:
    """Check an entry on questions about several models; return every problem once."""
    problems: dict[Problem, None] = {}
    for question in questions:
        explainer = HostedExplainer(runner, entry, index, audit=True)
        try:
            problems |= dict.fromkeys(_problems(explainer, question))
        except MethodFailed as failure:
            problems[Problem(entry.label, failure.method, failure.expected, failure.got)] = None
    return list(problems)


def _problems(explainer: HostedExplainer, question: Question) -> Iterator[Problem]:
    model, candidates, tokens, positions = question.model, question.candidates, question.tokens, question.positions
    attributions = explainer.explain(model, candidates, tokens, positions)
    yield from input_kept(explainer.entry, "explain", explainer.last)
    if not torch.equal(attributions, explainer.explain(model, candidates, tokens, positions)):
        yield _problem(explainer, REPEATABLE, "others the second time")
    half = len(tokens) // 2
    if not _close(attributions[:half], explainer.explain(model, candidates, tokens[:half], positions[:half])):
        yield _problem(explainer, INDEPENDENT, "other attributions without the other cases")
    padded = F.pad(tokens, (0, PADDING))
    if not _close(attributions, explainer.explain(model, candidates, padded, positions)[:, :-PADDING]):
        yield _problem(explainer, UNPADDED, "others with padding after the tokens")


def _close(a: Tensor, b: Tensor) -> bool:
    return torch.allclose(a, b, RELATIVE, ABSOLUTE * float(a.abs().max().clamp(min=1)))


def _problem(explainer: HostedExplainer, expected: str, got: str) -> Problem:
    return Problem(explainer.entry.label, "explain", expected, got)
