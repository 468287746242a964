"""What does not depend on the explainer: predictions, measured changes of margins, which pairs differ."""

from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from simplibench.errors import UsageError
from simplibench.harness.explainer.questions import Questions, questions
from simplibench.harness.runtime import timed
from simplibench.methods import ExplainedModel
from simplibench.models import Network
from simplibench.models.bank import Bank, Pair
from simplibench.models.batches import likeliest, limited, scored_batches
from simplibench.records import BankTable
from simplibench.records.explainer import FORMS, PAIR_KINDS
from simplibench.tasks import Explanations, Split, Task, load_split

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


def prepare_split(task: Task, arena: Explanations, bank: Bank, name: str, device: str, limit: int | None) -> SplitBank:
    """Run every model of the bank on one split, on as many cases as the arena says, or `limit` if that is fewer.

    Raises UsageError where so few cases tell no two models, or no two maskings, apart.
    """
    cases = min(limit or arena.cases[name], arena.cases[name])
    split = limited(load_split(task, name), cases)
    first, second = (_predictions(task, split, bank.models[model]) for model in bank.disputing)
    asked = questions(split, cases, arena.maskings, first != second).to(device)
    models = {model: ExplainedModel(network, task.candidates) for model, network in bank.models.items()}
    predicted, seconds = {}, 0.0
    with torch.no_grad():
        for model, explained in models.items():
            ask = partial(explained.predicted, asked.tokens, asked.positions)
            spent, predicted[model] = timed(ask, device)
            seconds += spent
        changes = {model: _changes(models[model], asked) for model in bank.masked}
    pairs = [(number, pair) for number, pair in enumerate(bank.pairs) if _counts(pair, predicted)]
    _require_differences(f"{task.name}/{arena.name}, {name}, {len(asked.tokens)} cases", pairs, changes, asked)
    return SplitBank(task.roles[name], asked, pairs, changes, seconds)


def _require_differences(
    where: str, pairs: list[tuple[int, Pair]], changes: dict[str, Numbers], asked: Questions
) -> None:
    """Raise UsageError where a figure would be computed from nothing."""
    if all(pair.kind == "same" for _, pair in pairs):
        raise UsageError(f"{where}: all models predict the same, so no pair is of other function; take more cases")
    forms = {form for measured in changes.values() for form, _, _ in rankable(measured, asked.kinds)}
    for number, form in enumerate(FORMS):
        if number not in forms:
            raise UsageError(f"{where}: no masking changes a margin more than another ({form}); take more cases")


def _predictions(task: Task, split: Split, model: Network) -> npt.NDArray[np.int64]:
    """Return what a model predicts at every scored position, [case of the split]."""
    predicted = np.zeros(len(split.cases), dtype=np.int64)
    with torch.no_grad():
        for batch in scored_batches(split, model.device):
            logits = model(batch.tokens, batch.at)[batch.asked]
            predicted[batch.cases] = likeliest(logits, task.candidates).cpu().numpy()
    return predicted


def _counts(pair: Pair, predicted: dict[str, Tensor]) -> bool:
    """Say whether a pair counts: models of other function do where they show it."""
    return pair.kind == "same" or disagreement(predicted[pair.first], predicted[pair.second]) >= LEAST_DISAGREEMENT


def disagreement(first: Tensor, second: Tensor) -> float:
    """Return the share of cases whose predictions [case] differ."""
    return float((first != second).to(torch.float64).mean())


def _changes(model: ExplainedModel, asked: Questions) -> Numbers:
    """Measure the margin that each masking loses, [form, case, masking], in steps of RESOLUTION."""
    before = model.margin(asked.tokens, asked.positions)[:, None]
    after = torch.stack([model.margin_without(asked.tokens, asked.positions, asked.masked), _replaced(model, asked)])
    steps = (before - after) / (RESOLUTION * before.abs().clamp(min=1))
    return steps.round().double().cpu().numpy()


def _replaced(model: ExplainedModel, asked: Questions) -> Tensor:
    """Return the margin of what is predicted from the whole text when masked tokens are replaced, [case, masking]."""
    target = model.predicted(asked.tokens, asked.positions)[:, None].expand(asked.replaced_positions.shape)
    margins = [
        model.margin(texts, positions, target=predicted)
        for texts, positions, predicted in zip(asked.replaced, asked.replaced_positions, target, strict=True)
    ]
    return torch.stack(margins)


def bank_table(splits: dict[str, SplitBank]) -> BankTable:
    """Return the rows that every record of this bank has, in the order in which they are measured."""
    pair_rows = [
        (index, PAIR_KINDS.index(pair.kind), number, case)
        for index, split in enumerate(splits.values())
        for number, pair in split.pairs
        for case in range(len(split.questions.tokens))
    ]
    masked_rows = [
        (index, kind, form, model, case)
        for index, split in enumerate(splits.values())
        for model, changes in enumerate(split.changes.values())
        for form, case, kind in rankable(changes, split.questions.kinds)
    ]
    names = list(BankTable.__dataclass_fields__)
    columns = [*np.array(pair_rows, dtype=np.int32).T, *np.array(masked_rows, dtype=np.int32).T]
    return BankTable(**dict(zip(names, columns, strict=True)))


def rankable(changes: Numbers, kinds: Tensor) -> list[tuple[int, int, int]]:
    """Return every (form, case, kind of masking) whose measured changes differ: the others rank nothing."""
    of_masking = kinds.cpu().numpy()
    return [
        (form, case, kind)
        for form in range(len(FORMS))
        for case in range(changes.shape[1])
        for kind in np.unique(of_masking).tolist()
        if np.ptp(changes[form, case, of_masking == kind]) > 0
    ]
