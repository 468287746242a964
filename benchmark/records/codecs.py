"""Records of codecs: figures by split, and the per-sentence counts that they and every interval are computed from."""

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveInt

from simplibench.records.record import Frozen, Record, Share
from simplibench.records.table import Numbers, Table


@dataclass(frozen=True)
class GroundCounts(Table):
    """What all records of an arena and reference share: the cases, the reference's errors, the constant's distance."""

    split: Numbers  # [sentence] index of the sentence's split, in the order of the record's table
    positions: Numbers  # scored positions
    reference_wrong: Numbers
    floor_disagree: Numbers  # the constant code predicts another token than the reference
    floor_divergence: Numbers  # quantised mean divergence of the constant code

    def rows(self, index: int) -> slice | npt.NDArray[np.bool_]:
        """Where the sentences of split number `index` are: a slice if they follow each other, which is faster."""
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


class SplitResult(Frozen):
    """How the proxy did on one split. Shares are of scored positions; divergences are means over them."""

    role: Literal["id", "ood", "control"]
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


class Runtime(Frozen):
    """How fast the entry was. Ratios hold across machines, the rest does not."""

    fit_seconds: NonNegativeFloat  # of the fit this entry shares with others, where it does
    codec_microseconds: NonNegativeFloat  # encode and decode together, a vector
    forward_ratio: NonNegativeFloat  # proxy forward / reference forward, interleaved, median
    forward_ratio_low: NonNegativeFloat  # lower quartile
    forward_ratio_high: NonNegativeFloat  # upper quartile
    peak_memory_bytes: NonNegativeInt  # of the process that ran the submission's code


class CodecRecord(Record):
    """One codec in one component of one reference."""

    tables: ClassVar[tuple[type[Table], type[Table]]] = (GroundCounts, Counts)

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
        """Splits, runtime, counts; a rate or a state of 0 is one."""
        known = self.bits_per_token is not None and self.state_bytes is not None
        return (self.counts_sha256, self.splits, self.runtime, known)
