"""The schema that records of every track share: the result of one entry in one arena on one reference."""

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import (
    AfterValidator,
    AliasChoices,
    BaseModel,
    ConfigDict,
    Field,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveInt,
    SerializerFunctionWrapHandler,
    ValidationInfo,
    model_serializer,
    model_validator,
)

from simplibench.records.table import Table

Share = Annotated[float, Field(ge=0, le=1)]
Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
SeedName = NonNegativeInt | Literal["untrained"]
UNSEALED = "0" * 64  # in place of a seal while it is being computed


def _strict_json(fields: dict[str, Any]) -> dict[str, Any]:
    """Refuse infinity and NaN, which JSON cannot say: they are texts, see methods/fields.py."""
    try:
        json.dumps(fields, allow_nan=False)
    except ValueError:
        raise ValueError('must be JSON, in which infinity and NaN are "Infinity", "-Infinity" and "NaN"') from None
    return fields


class Frozen(BaseModel):
    """Validated on the way in, then never changed. Every number is finite: JSON has no other."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Environment(Frozen):
    """Where the record was made."""

    device: str  # "cpu" or "cuda"
    hardware: str
    threads: PositiveInt
    python: str
    packages: dict[str, str]
    # Of records made before these were asked for, unknown; then they are left out, and the seals still hold.
    torch_build: str | None = None  # with its CUDA version, if any
    commit: Annotated[str, Field(pattern="^[0-9a-f]{40}$")] | None = None  # of the checkout that the harness ran from
    clean: bool | None = None  # no tracked file of it was changed, records and pages aside
    sandbox: str | None = None  # what the kernel enclosed the submission's processes in; `none` where nothing did

    @model_serializer(mode="wrap")
    def _without_unknown(self, serialise: SerializerFunctionWrapHandler) -> dict[str, Any]:
        known: dict[str, Any] = serialise(self)
        return {name: value for name, value in known.items() if value is not None}


class Protocol(Frozen):
    """What was measured against; records of different protocols are never compared."""

    task_version: PositiveInt
    scoring_version: PositiveInt
    sha256: Sha256  # over the versions and the hashes of every split and checkpoint


@dataclass(frozen=True)
class Terms:
    """What an arena ranks: records of its protocol, over these references, of all these splits."""

    protocol: Protocol
    seeds: list[int]
    splits: list[str]


class SplitResult(Frozen):
    """What every track records of one split."""

    role: Literal["id", "ood", "control"]


class Runtime(Frozen):
    """What every track records of an entry's speed; a ratio holds across machines, the rest does not."""

    forward_ratio: NonNegativeFloat  # time of the proxy, or of an explanation, over the reference's forward pass
    peak_memory_bytes: NonNegativeInt  # of the process that ran the submission's code


class Record(Frozen, ABC):
    """What is recorded of one entry, under a seal: an edited record is refused.

    A track's records are a subclass, entered in TRACKS of records/tracks.py. What differs between tracks is asked of it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, title="simplibench record")
    scoring_version: ClassVar[int]  # of the formulas that its figures follow
    tables: ClassVar[
        tuple[type[Table], type[Table]]
    ]  # of what records of an arena and reference share, and of its counts
    whole_figures: ClassVar[tuple[str, ...]] = ()  # figures of the record itself, beside those of its splits
    tolerance: ClassVar[float]  # by how much a figure may differ when the record is made again on other hardware

    schema_version: Literal[1, 2] = 2  # of version 1 the citation was called `reference`
    sha256: Sha256  # of all else that it says
    key: Sha256  # source, fields, protocol, device kind and the conditions below
    created: str  # UTC, ISO 8601
    submission: str
    control: bool
    authors: tuple[str, ...]
    citation: Annotated[str, Field(validation_alias=AliasChoices("citation", "reference"))]
    source_sha256: Sha256
    entry: str
    fields: Annotated[dict[str, Any], AfterValidator(_strict_json)]
    task: str
    arena: str  # task/component.layer
    seed: SeedName
    status: Literal["ok", "failed"]
    reason: str | None
    in_process: bool  # the submission's code ran beside the scorer: not ranked
    limit: PositiveInt | None  # at most so many sentences a split: not ranked
    counts_sha256: Sha256 | None  # of the counts beside the record
    ground_sha256: Sha256  # of what is shared by an arena's records
    protocol: Protocol
    environment: Environment
    track: str
    splits: Mapping[str, SplitResult]
    runtime: Runtime | None

    @abstractmethod
    def problems(self, shared: Any, counts: Any) -> Iterator[str]:
        """Yield each figure that does not follow from the two tables: its name, what they give, what the record says."""

    @property
    def fit_seconds(self) -> float:
        """Return how long the entry was fitted; a track whose methods fit nothing leaves it at 0."""
        return 0.0

    @classmethod
    def sealed(cls, **values: Any) -> Self:
        """Return the record of a content, under its hash."""
        unsealed = cls.model_validate({**values, "sha256": UNSEALED}, context=UNSEALED)
        return cls.model_validate({**unsealed.model_dump(), "sha256": unsealed.content_sha256()})

    @property
    def ranked(self) -> bool:
        """Return whether the conditions it was made under allow a rank."""
        return self.limit is None and not self.in_process and not self.control

    def content_sha256(self) -> str:
        """Return the hash of all that the record says, as JSON with sorted keys."""
        content = self.model_dump(mode="json", exclude={"sha256"})
        if self.schema_version == 1:
            content["reference"] = content.pop("citation")
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()

    @property
    def measured(self) -> tuple[object, ...]:
        """Return what a record of status ok must have, and one of status failed has not."""
        return (self.counts_sha256, self.splits, self.runtime)

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.status == "ok" and (not all(self.measured) or self.reason is not None):
            raise ValueError("a record with status ok must have all that is measured, and no reason")
        if self.status == "failed" and not self.reason:
            raise ValueError("a record with status failed must have a reason")
        return self

    @model_validator(mode="after")
    def _untouched(self, info: ValidationInfo) -> Self:
        if info.context != UNSEALED and self.content_sha256() != self.sha256:
            raise ValueError(
                f"it was edited: its content has sha256 {self.content_sha256()}, its seal says {self.sha256}"
            )
        return self


def key_of(
    source_sha256: str,
    entry: str,
    fields: Mapping[str, Any],
    arena: str,
    seed: SeedName,
    protocol_sha256: str,
    device: str,
    limit: int | None,
    in_process: bool,
) -> str:
    """Return the hash of source, entry, arena, reference, protocol, device kind and conditions."""
    facts = [source_sha256, entry, fields, arena, seed, protocol_sha256, device, limit, in_process]
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def expected_key(record: Record) -> str:
    """Return the key that a record has by what it says."""
    return key_of(
        record.source_sha256,
        record.entry,
        record.fields,
        record.arena,
        record.seed,
        record.protocol.sha256,
        record.environment.device,
        record.limit,
        record.in_process,
    )
