"""Records of codecs: the counts of each sentence, the figures that follow from them, and whether a record's do."""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Annotated, ClassVar, Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveInt

from simplibench.records import record as base
from simplibench.records.checks import differing, other_splits
from simplibench.records.record import Frozen, Record, Share
from simplibench.records.table import Numbers, Table
from simplibench.scoring.faithfulness import VERSION, faithfulness
from simplibench.scoring.quantised import total_bits

WHOLE = 1e-3  # positions: what rounding leaves of a whole number


@dataclass(frozen=True)
class GroundCounts(Table):
    """What all records of an arena and reference share: the cases, the reference's errors, the constant's distance."""

    split: Numbers  # [sentence] index of the sentence's split, in the order of the record's table
    positions: Numbers  # scored positions
    reference_wrong: Numbers
    floor_disagree: Numbers  # the constant code predicts another token than the reference
    floor_divergence: Numbers  # quantised mean divergence of the constant code

    def rows(self, index: int) -> slice | npt.NDArray[np.bool_]:
        """Return where the sentences of split number `index` are: a slice if they follow each other, which is faster."""
        here: npt.NDArray[np.bool_] = self.split == index
        count, first = int(np.count_nonzero(here)), int(here.argmax())
        return slice(first, first + count) if here[first : first + count].all() else here


@dataclass(frozen=True)
class Counts(Table):
    """What one record measured, row by row with its ground."""

    disagree: Numbers  # the proxy predicts another token than the reference
    disagree_where_wrong: Numbers  # of these, where the reference is wrong
    proxy_wrong: Numbers
    divergence: Numbers  # quantised mean divergence


class Stratum(Frozen):
    """Agreement within one stratum of a split."""

    positions: PositiveInt
    agreement: Share


class SplitResult(base.SplitResult):
    """How the proxy did on one split. Shares are of scored positions; divergences are means over them."""

    sequences: PositiveInt
    positions: PositiveInt
    agreement: Share  # proxy and reference predict the same token
    faithfulness: Annotated[float, Field(le=1)]  # from agreement
    divergence_bits: NonNegativeFloat  # Jensen-Shannon, of the next-token distributions
    divergence_faithfulness: Annotated[float, Field(le=1)]  # 1 - divergence / the constant code's divergence
    reference_accuracy: Share
    proxy_accuracy: Share
    agreement_where_right: Share | None  # None where the reference is never right
    agreement_where_wrong: Share | None  # None where the reference is never wrong
    pattern_divergence_bits: NonNegativeFloat | None  # of the attention rows of scored positions; attention arenas only
    pattern_agreement: Share | None  # the most attended position is the same; attention arenas only
    bits_per_token: NonNegativeFloat
    strata: dict[str, dict[str, Stratum]]  # stratum -> label -> agreement


class Runtime(base.Runtime):
    """How fast the entry was. Ratios hold across machines, the rest does not."""

    fit_seconds: NonNegativeFloat  # of the fit this entry shares with others, where it does
    codec_microseconds: NonNegativeFloat  # encode and decode together, a vector
    # forward_ratio: proxy forward / reference forward, interleaved, median
    forward_ratio_low: NonNegativeFloat  # lower quartile
    forward_ratio_high: NonNegativeFloat  # upper quartile


class CodecRecord(Record):
    """One codec in one component of one reference."""

    scoring_version: ClassVar[int] = VERSION
    tables: ClassVar[tuple[type[Table], type[Table]]] = (GroundCounts, Counts)
    whole_figures: ClassVar[tuple[str, ...]] = ("ceiling_bits", "bits_per_token", "state_bytes")
    tolerance: ClassVar[float] = 0.01  # of shares of positions and of divergences in bits: 0.005 with k-means

    track: Literal["codec"] = "codec"
    family: str
    part: Literal["vectors", "pattern"]
    ceiling_bits: NonNegativeFloat  # identity's rate
    bits_per_token: NonNegativeFloat | None  # the dearest split's
    state_bytes: NonNegativeInt | None
    splits: dict[str, SplitResult]
    runtime: Runtime | None

    @property
    def measured(self) -> tuple[object, ...]:
        """Return what a record of status ok must have; a rate or a state of 0 is one."""
        return (*super().measured, self.bits_per_token is not None and self.state_bytes is not None)

    @property
    def fit_seconds(self) -> float:
        """Return how long the entry, or the fit that it shares, took."""
        return self.runtime.fit_seconds if self.runtime else 0.0

    def problems(self, shared: GroundCounts, counts: Counts) -> Iterator[str]:
        """Yield each figure that does not follow from the tables; see Record."""
        if any(len(getattr(counts, field.name)) != len(shared.split) for field in fields(counts)):
            yield "its counts and its ground have different numbers of sentences"
            return
        lacking = other_splits(shared.split, self.splits)
        if lacking:
            yield lacking
            return
        if any((part > whole).any() for part, whole in _parts(shared, counts)):
            yield "its counts have more errors than positions in a sentence"
        for index, (name, split) in enumerate(self.splits.items()):
            yield from differing(name, split, split_figures(shared, counts, index))
            rows = shared.rows(index)
            yield from _strata_problems(
                name, split, int(shared.positions[rows].sum()), int(counts.disagree[rows].sum())
            )
        max_rate = max(split.bits_per_token for split in self.splits.values())
        if self.bits_per_token != max_rate:
            yield f"bits_per_token must be the dearest split's, {max_rate}, got {self.bits_per_token}"


def split_figures(ground: GroundCounts, counts: Counts, index: int) -> dict[str, float | int | None]:
    """Return every figure of split number `index` that counts determine, under its name in the record."""
    rows = ground.rows(index)
    positions = ground.positions[rows]
    cases, wrong = int(positions.sum()), int(ground.reference_wrong[rows].sum())
    disagree, disagree_where_wrong = int(counts.disagree[rows].sum()), int(counts.disagree_where_wrong[rows].sum())
    divergence = total_bits(counts.divergence[rows], positions)
    floor_divergence = total_bits(ground.floor_divergence[rows], positions)
    return {
        "sequences": len(positions),
        "positions": cases,
        "agreement": 1 - disagree / cases,
        "faithfulness": _faithfulness(disagree, int(ground.floor_disagree[rows].sum())),
        "divergence_bits": divergence / cases,
        "divergence_faithfulness": _faithfulness(divergence, floor_divergence),
        "reference_accuracy": 1 - wrong / cases,
        "proxy_accuracy": 1 - int(counts.proxy_wrong[rows].sum()) / cases,
        "agreement_where_right": _agreement(disagree - disagree_where_wrong, cases - wrong),
        "agreement_where_wrong": _agreement(disagree_where_wrong, wrong),
    }


def _faithfulness(disagreement: float, floor: float) -> float:
    return float(faithfulness(disagreement, floor))


def _agreement(disagree: int, cases: int) -> float | None:
    return 1 - disagree / cases if cases else None


def _parts(ground: GroundCounts, counts: Counts) -> list[tuple[Numbers, Numbers]]:
    """Return pairs of columns: the first counts some of the positions that the second counts."""
    return [
        (ground.reference_wrong, ground.positions),
        (ground.floor_disagree, ground.positions),
        (counts.disagree, ground.positions),
        (counts.proxy_wrong, ground.positions),
        (counts.disagree_where_wrong, np.minimum(counts.disagree, ground.reference_wrong)),
    ]


def _strata_problems(name: str, split: SplitResult, cases: int, disagree: int) -> Iterator[str]:
    """Strata divide a split's positions, and with them those that agree."""
    for stratum, labels in split.strata.items():
        total = sum(label.positions for label in labels.values())
        if total != cases:
            yield f"splits.{name}.strata.{stratum}: expected {cases} positions in all, got {total}"
            continue
        agree = sum(label.agreement * label.positions for label in labels.values())
        if abs(agree - (cases - disagree)) > WHOLE:
            yield (
                f"splits.{name}.strata.{stratum}: expected agreement on {cases - disagree} positions in all, "
                f"got {agree:.3f}"
            )
