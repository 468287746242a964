"""The schema of a record: the result of one entry in one arena on one reference."""

import hashlib
import json
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, NonNegativeFloat, NonNegativeInt, PositiveInt, model_validator

Share = Annotated[float, Field(ge=0, le=1)]
Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
SeedName = NonNegativeInt | Literal["untrained"]


class Frozen(BaseModel):
    """Validated on the way in, then never changed."""

    model_config = ConfigDict(frozen=True, extra="forbid")


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


class Environment(Frozen):
    """Where the record was made."""

    device: str  # "cpu" or "cuda"
    hardware: str
    threads: PositiveInt
    python: str
    packages: dict[str, str]


class Protocol(Frozen):
    """What was measured against; records of different protocols are never compared."""

    task_version: PositiveInt
    scoring_version: PositiveInt
    sha256: Sha256  # over the versions and the hashes of every split and checkpoint


class Content(Frozen):
    """What a record says of one entry in one arena on one reference."""

    schema_version: Literal[1] = 1
    key: Sha256  # source, fields, protocol, device kind and the conditions below
    created: str  # UTC, ISO 8601
    submission: str
    track: Literal["codec"]
    control: bool
    authors: tuple[str, ...]
    reference: str
    source_sha256: Sha256
    entry: str
    fields: dict[str, Any]
    part: Literal["vectors", "pattern"]
    task: str
    arena: str  # task/component.layer
    family: str
    seed: SeedName
    status: Literal["ok", "failed"]
    reason: str | None
    in_process: bool  # the submission's code ran beside the scorer: not ranked
    limit: PositiveInt | None  # at most so many sentences a split: not ranked
    ceiling_bits: NonNegativeFloat  # identity's rate
    bits_per_token: NonNegativeFloat | None  # the dearest split's
    state_bytes: NonNegativeInt | None
    splits: dict[str, SplitResult]
    runtime: Runtime | None
    counts_sha256: Sha256 | None  # of the per-sentence counts beside the record
    ground_sha256: Sha256  # of the counts of reference and floor, shared by an arena's records
    protocol: Protocol
    environment: Environment

    @model_validator(mode="after")
    def _complete(self) -> "Content":
        measured = (self.bits_per_token, self.state_bytes, self.runtime, self.counts_sha256)
        if self.status == "ok" and (None in measured or not self.splits or self.reason is not None):
            raise ValueError("a record with status ok must have splits, rate, state, runtime, counts and no reason")
        if self.status == "failed" and not self.reason:
            raise ValueError("a record with status failed must have a reason")
        return self

    @property
    def ranked(self) -> bool:
        """Whether the conditions it was made under allow a rank."""
        return self.limit is None and not self.in_process and not self.control

    def content_sha256(self) -> str:
        """The hash of all that a record says, as JSON with sorted keys."""
        content = self.model_dump(mode="json", exclude={"sha256"})
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


class Record(Content):
    """A record's content under its seal: an edited record is refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", title="simplibench record")

    sha256: Sha256  # of the content

    @classmethod
    def sealed(cls, **values: Any) -> "Record":
        """Validate a content and put its hash on it."""
        content = Content.model_validate(values)
        return cls.model_validate({**content.model_dump(), "sha256": content.content_sha256()})

    @model_validator(mode="after")
    def _untouched(self) -> "Record":
        if self.content_sha256() != self.sha256:
            raise ValueError(
                f"it was edited: its content has sha256 {self.content_sha256()}, its seal says {self.sha256}"
            )
        return self
