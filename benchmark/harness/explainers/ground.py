"""What does not depend on the explainer: predictions, measured changes of margins, which pairs differ."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from benchmark.harness.batches import limited
from benchmark.harness.explainers.bank import Bank, Pair, disagreement
from benchmark.harness.explainers.maskings import Questions, questions
from benchmark.harness.runtime import timed
from benchmark.methods import ExplainedModel
from benchmark.records import BankTable
from benchmark.records.explainers import FORMS, MASKINGS, PAIR_KINDS
from benchmark.tasks import Task, load_split

CASES = (24, 16, 6)  # of the splits in the task's order, shorter sequences first: long ones cost most
LEAST_DISAGREEMENT = 0.1  # of the cases, below which two models do not count as different there
RESOLUTION = 1e-4  # of the margin, or of 1 if that is more: smaller changes are none
Numbers = npt.NDArray[np.float64]


@dataclass(frozen=True)
class SplitBank:
    """One split's questions, with what the models answer."""

    role: str
    questions: Questions
    pairs: list[tuple[int, Pair]]  # those that count here, with their number in the bank
    changes: dict[str, Numbers]  # masked model -> [form, case, masking] margin lost by masking, in steps of RESOLUTION
    forward_seconds: float  # of all models on all cases


def lay_split(task: Task, bank: Bank, name: str, cases: int, device: str, limit: int | None) -> SplitBank:
    """Run every model of the bank on one split."""
    asked = questions(limited(load_split(task, name), limit), cases).to(device)
    explained = {name: ExplainedModel(model, task.candidates) for name, model in bank.models.items()}
    predicted, seconds = {}, 0.0
    with torch.no_grad():
        for model, own in explained.items():
            spent, predicted[model] = timed(lambda own=own: own.predicted(asked.tokens, asked.positions), device)  # type: ignore[misc]
            seconds += spent
        changes = {model: _changes(explained[model], asked) for model in bank.masked}
    pairs = [(number, pair) for number, pair in enumerate(bank.pairs) if _counts(pair, predicted)]
    return SplitBank(task.roles[name], asked, pairs, changes, seconds)


def _counts(pair: Pair, predicted: dict[str, Tensor]) -> bool:
    """Models of different function count where they show it."""
    return pair.kind == "same" or disagreement(predicted[pair.first], predicted[pair.second]) >= LEAST_DISAGREEMENT


def _changes(model: ExplainedModel, asked: Questions) -> Numbers:
    before = model.margin(asked.tokens, asked.positions)[:, None]
    after = torch.stack([model.margin_without(asked.tokens, asked.positions, asked.masked), _replaced(model, asked)])
    steps = (before - after) / (RESOLUTION * before.abs().clamp(min=1))
    return steps.round().double().cpu().numpy()


def _replaced(model: ExplainedModel, asked: Questions) -> Tensor:
    """The margin, [case, masking], when every masked token makes way for a pair of brackets of the first type."""
    filler = torch.tensor([1, model.candidates.start], device=asked.tokens.device)  # opens and closes
    margins = []
    target = model.predicted(asked.tokens, asked.positions)
    for tokens, position, masked, own in zip(asked.tokens, asked.positions, asked.masked, target, strict=True):
        texts = [_with_filler(tokens[: position + 1], hidden[: position + 1], filler) for hidden in masked]
        lengths = torch.tensor([len(text) for text in texts], device=tokens.device)
        rows = pad_sequence(texts, batch_first=True)
        margins.append(model.margin(rows, lengths - 1, target=own.expand(len(rows))))
    return torch.stack(margins)


def _with_filler(tokens: Tensor, hidden: Tensor, filler: Tensor) -> Tensor:
    parts = [filler if gone else token[None] for token, gone in zip(tokens, hidden.tolist(), strict=True)]
    return torch.cat(parts)


def bank_table(splits: dict[str, SplitBank]) -> BankTable:
    """The rows that every record of this bank has, in the order in which they are measured."""
    pair_rows = [
        (index, PAIR_KINDS.index(pair.kind), number, case)
        for index, own in enumerate(splits.values())
        for number, pair in own.pairs
        for case in range(len(own.questions.tokens))
    ]
    masked_rows = [
        (index, kind, form, model, case)
        for index, own in enumerate(splits.values())
        for model, changes in enumerate(own.changes.values())
        for form, case, kind in rankable(changes, own.questions.kinds)
    ]
    names = list(BankTable.__dataclass_fields__)
    columns = [*np.array(pair_rows, dtype=np.int32).T, *np.array(masked_rows, dtype=np.int32).T]
    return BankTable(**dict(zip(names, columns, strict=True)))


def rankable(changes: Numbers, kinds: Tensor) -> list[tuple[int, int, int]]:
    """Every (form, case, kind of masking) whose measured changes are not all the same: the others rank nothing."""
    return [
        (form, case, kind)
        for form in range(len(FORMS))
        for case in range(changes.shape[1])
        for kind in range(len(MASKINGS))
        if np.ptp(changes[form, case, kinds.cpu().numpy() == kind]) > 0
    ]
