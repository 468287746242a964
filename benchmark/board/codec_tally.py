"""Resampled faithfulness of every entry, from the per-sentence counts of its records.

Every array begins with a row for the sample itself, then one for each bootstrap resample: R = 1 + resamples.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Self, cast

import numpy as np

from simplibench.arrays import Bools, Floats
from simplibench.records import CodecRecord, Counts, GroundCounts, SeedName, SplitResult, Stored
from simplibench.scoring.faithfulness import faithfulness, score
from simplibench.scoring.quantised import total_bits
from simplibench.scoring.resampling import sentence_weights


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
        """Return the ID and OOD score over the budgets, [R] each."""
        return score(self.bits, self.on_id, self.on_ood, self.ceiling_bits)

    def only(self, submission: str) -> "SeedTally":
        """Return the entries of one submission."""
        kept = np.array(self.submissions) == submission
        return SeedTally(
            submissions=[submission] * int(kept.sum()),
            bits=self.bits[kept],
            ceiling_bits=self.ceiling_bits,
            on_id=self.on_id[:, kept],
            on_ood=self.on_ood[:, kept],
            on_ood_by_divergence=self.on_ood_by_divergence[kept],
            on_id_by_divergence=self.on_id_by_divergence[kept],
        )

    def divergence_score(self) -> float:
        """Return the OOD score with divergence in place of disagreement, in selection too."""
        return float(score(self.bits, self.on_id_by_divergence, self.on_ood_by_divergence, self.ceiling_bits)[1])


@dataclass(frozen=True)
class Group:
    """Records, the same as others of the same seals."""

    seals: tuple[str, ...]
    stored: list[Stored] = field(compare=False)

    @classmethod
    def of(cls, stored: list[Stored]) -> Self:
        """Return the group of some records."""
        return cls(tuple(kept.record.sha256 for kept in stored), stored)


def tally_each(stored: list[Stored]) -> dict[tuple[str, SeedName], SeedTally]:
    """Tally an arena's records by submission and reference; those that share a ground are resampled together."""
    by_ground: dict[tuple[SeedName, str], list[Stored]] = defaultdict(list)
    for kept in stored:
        if kept.record.status == "ok":
            by_ground[kept.record.seed, kept.record.ground_sha256].append(kept)
    tallies = {}
    for (seed, _), group in by_ground.items():
        together = tally(group)
        for submission in dict.fromkeys(together.submissions):
            tallies[submission, seed] = together.only(submission)
    return tallies


def tally(group: list[Stored]) -> SeedTally:
    """Put the successful records of one arena and reference together; they share a ground."""
    return _tally(Group.of(group))


@lru_cache(maxsize=64)
def _tally(named: Group) -> SeedTally:
    """Keep what was tallied, since a page of board and curves asks twice."""
    good = [stored for stored in named.stored if stored.record.status == "ok"]
    records = [cast(CodecRecord, stored.record) for stored in good]
    ground, counts = good[0].ground(GroundCounts), [stored.counts(Counts) for stored in good]
    by_role: dict[str, list[tuple[Floats, Floats]]] = {"id": [], "ood": [], "control": []}
    for index, (name, result) in enumerate(records[0].splits.items()):
        rows = ground.split == index
        by_role[result.role].append(
            (_resampled(name, result, rows, ground, counts), _by_divergence(rows, ground, counts))
        )
    mean = {role: [np.mean(column, axis=0) for column in zip(*splits, strict=True)] for role, splits in by_role.items()}
    return SeedTally(
        submissions=[record.submission for record in records],
        bits=np.array([record.bits_per_token for record in records]),
        ceiling_bits=records[0].ceiling_bits,
        on_id=mean["id"][0],
        on_ood=mean["ood"][0],
        on_id_by_divergence=mean["id"][1],
        on_ood_by_divergence=mean["ood"][1],
    )


def _resampled(name: str, result: SplitResult, rows: Bools, ground: GroundCounts, counts: list[Counts]) -> Floats:
    """Return faithfulness on one split, clipped at 0, [R, entry]."""
    weights = sentence_weights(result.sequences, name)
    columns = [ground.floor_disagree[rows], *(table.disagree[rows] for table in counts)]
    totals = weights @ np.stack(columns, axis=1).astype(np.float32)  # [R, 1 + entry]
    return np.clip(faithfulness(totals[:, 1:], totals[:, :1]), 0, None)


def _by_divergence(rows: Bools, ground: GroundCounts, counts: list[Counts]) -> Floats:
    """Return the same made of divergence, without resamples, [entry]."""
    positions = ground.positions[rows]
    floor = total_bits(ground.floor_divergence[rows], positions)
    divergences = np.array([total_bits(table.divergence[rows], positions) for table in counts])
    return np.clip(faithfulness(divergences, floor), 0, None)
