"""How explainers are scored: the mean of equivalence and intervention on OOD inputs, at the entry best on ID inputs."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from simplibench.board.row import CORRELATION, SHARE, Floats, Scores
from simplibench.board.tallies import Group
from simplibench.records import BankTable, ExplainerCounts, ExplainerRecord, Stored
from simplibench.records.explainer_figures import HIDDEN, REPLACED, cases_of, equivalence, intervention
from simplibench.scoring.inference import mean_interval
from simplibench.scoring.resampling import sentence_weights

MEASURES = {"equivalence": SHARE, "intervention": CORRELATION}  # and how far they can go
KEPT = (*MEASURES, "replaced")


@dataclass(frozen=True)
class ExplainerTally:
    """Entries on one bank: [R, entry] each, averaged over the splits of a role."""

    submissions: list[str]  # [entry] whose it is
    equivalence: dict[str, Floats]  # by role
    intervention: dict[str, Floats]
    replaced: dict[str, Floats]

    def score(self, role: str, second: dict[str, Floats]) -> Floats:
        """The mean of both scores, [R, entry]."""
        mean: Floats = (self.equivalence[role] + second[role]) / 2
        return mean

    def only(self, submission: str) -> "ExplainerTally":
        """The entries of one submission."""
        own = np.array(self.submissions) == submission
        kept = {name: {role: values[:, own] for role, values in getattr(self, name).items()} for name in KEPT}
        return ExplainerTally([submission] * int(own.sum()), **kept)


def explainer_figures(group: list[Stored]) -> Mapping[str, float | None]:
    """What is shown of records without a score: nothing, under every name."""
    names = [name for own in MEASURES for name in (f"id_{own}", own, f"{own}_low", f"{own}_high")]
    return dict.fromkeys(("replaced_score", *names))


def score_explainers(groups: list[list[Stored]], seeds: list[int]) -> list[Scores]:
    """Every submission's scores over banks; with masked tokens replaced instead of hidden as the other measure."""
    if not groups:
        return []
    everything = [one for group in groups for one in group]
    banks = [tally_explainers([one for one in everything if one.record.seed == seed]) for seed in seeds]
    return [_scores([bank.only(group[0].record.submission) for bank in banks]) for group in groups]


def _scores(tallies: list[ExplainerTally]) -> Scores:
    chosen = [own.score("id", own.intervention).argmax(-1) for own in tallies]  # [R] each; never chosen on OOD

    def picked(values: list[Floats]) -> list[Floats]:
        return [np.take_along_axis(own, best[:, None], 1)[:, 0] for own, best in zip(values, chosen, strict=True)]

    replaced = _mean(picked([own.score("ood", own.replaced) for own in tallies]))
    figures: dict[str, float | None] = {"replaced_score": replaced}
    for name in MEASURES:
        on_id, on_ood = (picked([getattr(own, name)[role] for own in tallies]) for role in ("id", "ood"))
        found = mean_interval(np.stack(on_ood), MEASURES[name])
        figures[f"id_{name}"] = _mean(on_id)
        figures |= {name: found.value, f"{name}_low": found.low, f"{name}_high": found.high}
    by_seed = {role: picked([own.score(role, own.intervention) for own in tallies]) for role in ("ood", "id")}
    return Scores(by_seed["ood"], by_seed["id"], replaced, figures)


def _mean(by_seed: list[Floats]) -> float:
    """Of the sample itself."""
    return float(np.mean([own[0] for own in by_seed]))


def tally_explainers(group: list[Stored]) -> ExplainerTally:
    """Put the successful records of one bank together, whosever they are."""
    return _tally_explainers(Group.of(group))


@lru_cache(maxsize=64)
def _tally_explainers(named: Group) -> ExplainerTally:
    """Kept, since a page of board and curves asks twice."""
    measures: dict[str, dict[str, list[Floats]]] = defaultdict(lambda: defaultdict(list))
    good = [(one, one.record) for one in named.stored if isinstance(one.record, ExplainerRecord) and one.record.splits]
    bank, counts = good[0][0].ground(BankTable), _together([one.counts(ExplainerCounts) for one, _ in good])
    for index, (name, result) in enumerate(good[0][1].splits.items()):
        weights = _not_empty(sentence_weights(cases_of(bank, index), name))
        columns = {
            "equivalence": equivalence(bank, counts, index, weights),
            "intervention": intervention(bank, counts, index, weights, HIDDEN),
            "replaced": intervention(bank, counts, index, weights, REPLACED),
        }
        for measure, own in columns.items():
            measures[measure][result.role].append(own.T)
    mean = {name: {role: np.mean(own, axis=0) for role, own in found.items()} for name, found in measures.items()}
    return ExplainerTally([record.submission for _, record in good], **mean)


def _together(counts: list[ExplainerCounts]) -> ExplainerCounts:
    """The counts of several records of one bank, [entry, row]."""
    distance, correlation = (np.stack([getattr(own, name) for own in counts]) for name in ("distance", "correlation"))
    return ExplainerCounts(distance, correlation)


def _not_empty(weights: Floats) -> Floats:
    """With few cases a resample may have none; it then stands for the sample itself."""
    filled: Floats = np.where(weights.sum(1, keepdims=True) > 0, weights, weights[:1])
    return filled
