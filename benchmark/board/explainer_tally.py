"""Resampled equivalence and intervention of every entry, from the counts of its records on one bank."""

from collections import defaultdict
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from simplibench.arrays import Floats
from simplibench.board.codec_tally import Group
from simplibench.records import BankTable, ExplainerCounts, Stored
from simplibench.records.explainer import HIDDEN, REPLACED, cases_of, equivalence, intervention
from simplibench.scoring.resampling import sentence_weights

KEPT = ("equivalence", "intervention", "replaced")


@dataclass(frozen=True)
class ExplainerTally:
    """Entries on one bank: [R, entry] each, averaged over the splits of a role."""

    submissions: list[str]  # [entry] whose it is
    equivalence: dict[str, Floats]  # by role
    intervention: dict[str, Floats]
    replaced: dict[str, Floats]

    def score(self, role: str, second: dict[str, Floats]) -> Floats:
        """Return the mean of equivalence and `second`, [R, entry]."""
        mean: Floats = (self.equivalence[role] + second[role]) / 2
        return mean

    def only(self, submission: str) -> "ExplainerTally":
        """Return the entries of one submission."""
        kept = np.array(self.submissions) == submission
        measures = {name: {role: values[:, kept] for role, values in getattr(self, name).items()} for name in KEPT}
        return ExplainerTally([submission] * int(kept.sum()), **measures)


def tally_explainers(group: list[Stored]) -> ExplainerTally:
    """Put the successful records of one bank together, whosever they are."""
    return _tally_explainers(Group.of(group))


@lru_cache(maxsize=64)
def _tally_explainers(named: Group) -> ExplainerTally:
    """Keep what was tallied, since a page of board and curves asks twice."""
    measures: dict[str, dict[str, list[Floats]]] = defaultdict(lambda: defaultdict(list))
    good = [stored for stored in named.stored if stored.record.status == "ok"]
    bank, counts = good[0].ground(BankTable), _together([stored.counts(ExplainerCounts) for stored in good])
    for index, (name, result) in enumerate(good[0].record.splits.items()):
        weights = not_empty(sentence_weights(cases_of(bank, index), name))
        columns = {
            "equivalence": equivalence(bank, counts, index, weights),
            "intervention": intervention(bank, counts, index, weights, HIDDEN),
            "replaced": intervention(bank, counts, index, weights, REPLACED),
        }
        for measure, values in columns.items():
            measures[measure][result.role].append(values.T)
    mean = {
        name: {role: np.mean(splits, axis=0) for role, splits in by_role.items()} for name, by_role in measures.items()
    }
    return ExplainerTally([stored.record.submission for stored in good], **mean)


def _together(counts: list[ExplainerCounts]) -> ExplainerCounts:
    """Return the counts of several records of one bank, [entry, row]."""
    distance, correlation = (
        np.stack([getattr(table, name) for table in counts]) for name in ("distance", "correlation")
    )
    return ExplainerCounts(distance, correlation)


def not_empty(weights: Floats) -> Floats:
    """Return the weights [R, case]; a resample without any case, as few give, stands for the sample itself."""
    filled: Floats = np.where(weights.sum(1, keepdims=True) > 0, weights, weights[:1])
    return filled
