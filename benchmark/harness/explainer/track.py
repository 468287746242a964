"""Explainers as a track: explain every model of the bank, compare pairs, predict maskings."""

from typing import Any

import numpy as np
import numpy.typing as npt

from simplibench.errors import UsageError
from simplibench.guest import HostedExplainer
from simplibench.guest.contract import Promise
from simplibench.guest.explainer_contract import EXPLAINER_PROMISES
from simplibench.harness.explainer.bank import load_bank
from simplibench.harness.explainer.context import SplitBank, bank_table, prepare_split, rankable
from simplibench.harness.explainer.trial import ExplainerTrial
from simplibench.harness.track import Result, Runners, Step
from simplibench.harness.unit import RunConfig, Unit
from simplibench.methods import ExplainerEntry
from simplibench.models.bank import Bank
from simplibench.records import ExplainerCounts, ExplainerRuntime, ExplainerSplit, explainer_figures
from simplibench.registry import scored_splits
from simplibench.scoring.correlation import spearman
from simplibench.scoring.explanations import UNIT, distance
from simplibench.tasks import Explanations, Task

RESOLUTION = 1e-5  # of the sum of a case's absolute attributions: predictions closer than this are tied
Numbers = npt.NDArray[np.float64]
Floats = npt.NDArray[np.floating]
Explanation = dict[str, Numbers]  # model -> [case, token]


class ExplainerContext:
    """Holds one bank of models, run on every split."""

    def __init__(self, task: Task, bank: Bank, splits: dict[str, SplitBank]) -> None:
        self.task, self.bank, self.splits = task, bank, splits
        self.table = bank_table(splits)
        self.facts: dict[str, Any] = {}

    def open(self) -> None:
        """Do nothing: submissions share nothing."""

    def score(self, runners: Runners, entry: ExplainerEntry, index: int, step: Step) -> Result:
        """Explain every case on every model, then compare. Raises MethodFailed."""
        explainer = HostedExplainer(runners[0], entry, index)
        distances: list[Floats] = []
        correlations: list[float] = []
        for name, split in self.splits.items():
            step(name)
            explained = self._explain(explainer, split)
            distances += [distance(explained[pair.first], explained[pair.second]) for _, pair in split.pairs]
            correlations += _correlations(split, explained)
        counts = ExplainerCounts(_stored(np.concatenate(distances)), _stored(np.array(correlations)))
        return Result({"splits": self._figures(counts), "runtime": self._runtime(explainer)}, counts)

    def _explain(self, explainer: HostedExplainer, split: SplitBank) -> Explanation:
        asked = split.questions
        return {
            name: explainer.explain(model, self.task.candidates, asked.tokens, asked.positions).numpy()
            for name, model in self.bank.models.items()
        }

    def _figures(self, counts: ExplainerCounts) -> dict[str, ExplainerSplit]:
        return {
            name: ExplainerSplit.model_validate({"role": split.role, **explainer_figures(self.table, counts, number)})
            for number, (name, split) in enumerate(self.splits.items())
        }

    def _runtime(self, explainer: HostedExplainer) -> ExplainerRuntime:
        return ExplainerRuntime(
            case_microseconds=1e6 * explainer.seconds / explainer.cases,
            forward_ratio=explainer.seconds / sum(split.forward_seconds for split in self.splits.values()),
            peak_memory_bytes=explainer.peak_memory_bytes,
        )


def _correlations(split: SplitBank, explained: Explanation) -> list[float]:
    """Correlate predicted and measured changes, for every row of the bank's table that is of this split."""
    masked, kinds = split.questions.masked.cpu().numpy(), split.questions.kinds.cpu().numpy()
    correlations = []
    for model, changes in split.changes.items():
        attributions = explained[model]
        predicted = (masked * attributions[:, None]).sum(-1)  # [case, masking]
        step = RESOLUTION * np.abs(attributions).sum(-1, keepdims=True)
        predicted = np.round(predicted / np.where(step > 0, step, 1))
        for form, case, kind in rankable(changes, split.questions.kinds):
            these = kinds == kind
            correlations.append(spearman(predicted[case, these], changes[form, case, these]))
    return correlations


def _stored(values: Floats) -> npt.NDArray[np.int32]:
    return np.round(values / UNIT).astype(np.int32)


class ExplainerTrack:
    """Score explainers; see Track."""

    promises: tuple[Promise, ...] = EXPLAINER_PROMISES
    compared = 4  # cases; each is explained on every model of the bank

    def trial(self) -> ExplainerTrial:
        """Return cases to try explainers on."""
        return ExplainerTrial()

    def prepare(self, unit: Unit, config: RunConfig) -> ExplainerContext:
        """Build the bank and run it on every split. Raises UsageError for a seed that no bank can be made of."""
        arena = unit.arena_as(Explanations)
        if not isinstance(unit.seed, int):
            raise UsageError(f"{unit.arena_name} has no bank of untrained models; its seeds are {arena.seeds}")
        limit = config.compared or config.limit  # nothing is fitted: all figures are of the compared cases
        bank = load_bank(unit.task, arena, unit.seed, config.device)
        splits = {
            name: prepare_split(unit.task, arena, bank, name, config.device, limit) for name in scored_splits(unit.task)
        }
        return ExplainerContext(unit.task, bank, splits)

    def failed(self, entry: ExplainerEntry) -> dict[str, Any]:
        """Return the track's own fields where nothing was measured."""
        return {"splits": {}, "runtime": None}

    def steps(self, task: Task) -> int:
        """Return the number of scored splits: there is a step per split."""
        return len(scored_splits(task))

    def forward(self, unit: Unit, entry: ExplainerEntry, index: int, config: RunConfig, runners: Runners) -> None:
        """Return None: explainers make no proxy."""
