"""Resampled faithfulness of every entry, from the per-sentence counts of its records.

Every array begins with a row for the sample itself, then one for each bootstrap resample: R = 1 + resamples.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Self

import numpy as np
import numpy.typing as npt

from simplibench.records import CodecRecord, Counts, GroundCounts, SeedName, SplitResult, Stored
from simplibench.scoring.faithfulness import faithfulness, score
from simplibench.scoring.quantised import total_bits
from simplibench.scoring.resampling import sentence_weights

Floats = npt.NDArray[np.floating]


@dataclass(frozen=True)
class SeedTally:
    """Entries on one reference: their rates, and their faithfulness averaged over the splits of a role."""

    submissions: list[str]  # [entry] whose it is
    bits: Floats  # [entry]
    ceiling_bits: float
    on_id: Floats  # [R, entry], clipped at 0 split by split
    on_ood: Floats  # [R, entry]
    on_ood_by_divergence: Floats  # [entry]
    on_id_by_divergence: Floats  # [entry]

    def scores(self) -> tuple[Floats, Floats]:
        """ID and OOD score over the budgets, [R] each."""
        return score(self.bits, self.on_id, self.on_ood, self.ceiling_bits)

    def only(self, submission: str) -> "SeedTally":
        """The entries of one submission."""
        own = np.array(self.submissions) == submission
        return SeedTally(
            submissions=[submission] * int(own.sum()),
            bits=self.bits[own],
            ceiling_bits=self.ceiling_bits,
            on_id=self.on_id[:, own],
            on_ood=self.on_ood[:, own],
            on_ood_by_divergence=self.on_ood_by_divergence[own],
            on_id_by_divergence=self.on_id_by_divergence[own],
        )

    def divergence_score(self) -> float:
        """The OOD score with divergence in place of disagreement, in selection too."""
        return float(score(self.bits, self.on_id_by_divergence, self.on_ood_by_divergence, self.ceiling_bits)[1])


@dataclass(frozen=True)
class Group:
    """Records, the same as others of the same seals."""

    seals: tuple[str, ...]
    stored: list[Stored] = field(compare=False)

    @classmethod
    def of(cls, stored: list[Stored]) -> Self:
        """The group of some records."""
        return cls(tuple(one.record.sha256 for one in stored), stored)


def tally_each(stored: list[Stored]) -> dict[tuple[str, SeedName], SeedTally]:
    """By submission and reference, the records of an arena; those that share a ground are resampled together."""
    by_ground: dict[tuple[SeedName, str], list[Stored]] = defaultdict(list)
    for one in stored:
        if one.record.status == "ok":
            by_ground[one.record.seed, one.record.ground_sha256].append(one)
    found = {}
    for (seed, _), group in by_ground.items():
        together = tally(group)
        for submission in dict.fromkeys(together.submissions):
            found[submission, seed] = together.only(submission)
    return found


def tally(group: list[Stored]) -> SeedTally:
    """Put the successful records of one arena and reference together; they share a ground."""
    return _tally(Group.of(group))


@lru_cache(maxsize=64)
def _tally(named: Group) -> SeedTally:
    """Kept, since a page of board and curves asks twice."""
    group = named.stored
    good = [(one, one.record) for one in group if isinstance(one.record, CodecRecord) and one.record.status == "ok"]
    first = good[0][1]
    ground, counts = good[0][0].ground(GroundCounts), [one.counts(Counts) for one, _ in good]
    by_role: dict[str, list[tuple[Floats, Floats]]] = {"id": [], "ood": [], "control": []}
    for index, (name, result) in enumerate(first.splits.items()):
        rows = ground.split == index
        by_role[result.role].append(
            (_resampled(name, result, rows, ground, counts), _by_divergence(rows, ground, counts))
        )
    mean = {role: [np.mean(column, axis=0) for column in zip(*found, strict=True)] for role, found in by_role.items()}
    return SeedTally(
        submissions=[record.submission for _, record in good],
        bits=np.array([record.bits_per_token for _, record in good]),
        ceiling_bits=first.ceiling_bits,
        on_id=mean["id"][0],
        on_ood=mean["ood"][0],
        on_id_by_divergence=mean["id"][1],
        on_ood_by_divergence=mean["ood"][1],
    )


def _resampled(
    name: str, result: SplitResult, rows: npt.NDArray[np.bool_], ground: GroundCounts, counts: list[Counts]
) -> Floats:
    """Faithfulness on one split, clipped at 0, [R, entry]."""
    weights = sentence_weights(result.sequences, name)
    columns = [ground.floor_disagree[rows], *(own.disagree[rows] for own in counts)]
    totals = weights @ np.stack(columns, axis=1).astype(np.float32)  # [R, 1 + entry]
    return np.clip(faithfulness(totals[:, 1:], totals[:, :1]), 0, None)


def _by_divergence(rows: npt.NDArray[np.bool_], ground: GroundCounts, counts: list[Counts]) -> Floats:
    """The same made of divergence, without resamples, [entry]."""
    positions = ground.positions[rows]
    floor = total_bits(ground.floor_divergence[rows], positions)
    divergences = np.array([total_bits(table.divergence[rows], positions) for table in counts])
    return np.clip(faithfulness(divergences, floor), 0, None)
