"""The key of a record: equal for records that would be equal."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from simplibench.records.record import Record, SeedName


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
    """The hash of source, entry, arena, reference, protocol, device kind and conditions."""
    facts = [source_sha256, entry, fields, arena, seed, protocol_sha256, device, limit, in_process]
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def expected_key(record: Record) -> str:
    """The key that a record has by what it says."""
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
