"""What does not depend on the explainer: predictions, measured changes of margins, which pairs differ."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from simplibench.errors import UsageError
from simplibench.harness.batches import likeliest, limited, scored_batches
from simplibench.harness.explainer.bank import CONTRASTIVE, PLAIN, Bank, Pair, disagreement
from simplibench.harness.explainer.maskings import Questions, questions
from simplibench.harness.runtime import timed
from simplibench.methods import ExplainedModel
from simplibench.models import Network
from simplibench.records import BankTable
from simplibench.records.explainers import FORMS, MASKINGS, PAIR_KINDS
from simplibench.tasks import Split, Task, load_split

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


def prepare_split(task: Task, bank: Bank, name: str, cases: int, device: str, limit: int | None) -> SplitBank:
    """Run every model of the bank on one split."""
    split = limited(load_split(task, name), min(limit or cases, cases))
    disputed = _predictions(task, split, bank.models[PLAIN]) != _predictions(task, split, bank.models[CONTRASTIVE])
    asked = questions(split, cases, disputed).to(device)
    explained = {name: ExplainedModel(model, task.candidates) for name, model in bank.models.items()}
    predicted, seconds = {}, 0.0
    with torch.no_grad():
        for model, own in explained.items():
            spent, predicted[model] = timed(lambda own=own: own.predicted(asked.tokens, asked.positions), device)  # type: ignore[misc]
            seconds += spent
        changes = {model: _changes(explained[model], asked) for model in bank.masked}
    pairs = [(number, pair) for number, pair in enumerate(bank.pairs) if _counts(pair, predicted)]
    if all(pair.kind == "same" for _, pair in pairs):
        raise UsageError(f"--limit {limit}: on so few cases of {name} all models predict the same; take more")
    return SplitBank(task.roles[name], asked, pairs, changes, seconds)


def _predictions(task: Task, split: Split, model: Network) -> npt.NDArray[np.int64]:
    """What a model predicts at every scored position, [case of the split]."""
    found = np.zeros(len(split.cases), dtype=np.int64)
    with torch.no_grad():
        for batch in scored_batches(split, model.device):
            found[batch.cases] = likeliest(model(batch.tokens, batch.at)[batch.asked], task.candidates).cpu().numpy()
    return found


def _counts(pair: Pair, predicted: dict[str, Tensor]) -> bool:
    """Models of different function count where they show it."""
    return pair.kind == "same" or disagreement(predicted[pair.first], predicted[pair.second]) >= LEAST_DISAGREEMENT


def _changes(model: ExplainedModel, asked: Questions) -> Numbers:
    before = model.margin(asked.tokens, asked.positions)[:, None]
    after = torch.stack([model.margin_without(asked.tokens, asked.positions, asked.masked), _replaced(model, asked)])
    steps = (before - after) / (RESOLUTION * before.abs().clamp(min=1))
    return steps.round().double().cpu().numpy()


def _replaced(model: ExplainedModel, asked: Questions) -> Tensor:
    """The margin of what is predicted from the whole text when masked tokens are replaced, [case, masking]."""
    target = model.predicted(asked.tokens, asked.positions)[:, None].expand(asked.replaced_positions.shape)
    margins = [
        model.margin(texts, positions, target=own)
        for texts, positions, own in zip(asked.replaced, asked.replaced_positions, target, strict=True)
    ]
    return torch.stack(margins)


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
