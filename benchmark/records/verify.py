"""Recompute what the counts of a record determine."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields

import numpy as np

from simplibench.errors import DamagedFile
from simplibench.records.codec_figures import split_figures
from simplibench.records.codecs import CodecRecord, Counts, GroundCounts
from simplibench.records.explainer_figures import explainer_figures
from simplibench.records.explainers import BankTable, ExplainerCounts, ExplainerRecord
from simplibench.records.store import Stored
from simplibench.records.table import Numbers

WHOLE = 1e-3  # positions: what rounding leaves of a whole number


def verify(stored: Stored) -> None:
    """Raises DamagedFile that names the first figure that differs."""
    for problem in problems(stored):
        raise DamagedFile(problem)


def problems(stored: Stored) -> Iterator[str]:
    """Every figure that does not follow from the record's counts, and every table that cannot be used."""
    try:
        stored.ground(stored.record.tables[0])
    except DamagedFile as error:
        yield f"{stored.path}: ground_sha256: {error}"
        return
    if stored.record.status == "failed":
        return
    try:
        stored.counts(stored.record.tables[1])
    except DamagedFile as error:
        yield f"{stored.path}: counts_sha256: {error}"
        return
    record = stored.record
    found = _codec(stored, record) if isinstance(record, CodecRecord) else _explainer(stored, record)
    try:
        for problem in found:
            yield f"{stored.path}: {problem}; run it again"
    except (ValueError, TypeError, IndexError, ZeroDivisionError) as error:  # tables made by hand may be anything
        yield f"{stored.path}: its figures cannot be computed from its tables ({error}); run it again"


def problems_each(stored: Sequence[Stored]) -> list[list[str]]:
    """The same of several records."""
    return [list(problems(one)) for one in stored]


def _codec(stored: Stored, record: CodecRecord) -> Iterator[str]:
    ground, counts = stored.ground(GroundCounts), stored.counts(Counts)
    if any(len(getattr(counts, field.name)) != len(ground.split) for field in fields(counts)):
        yield "its counts and its ground have different numbers of sentences"
        return
    if not _covers(record, ground.split):
        yield _other_splits(record, ground.split)
        return
    if any((part > whole).any() for part, whole in _parts(ground, counts)):
        yield "its counts have more errors than positions in a sentence"
    for index, name in enumerate(record.splits):
        yield from _differing(record, name, split_figures(ground, counts, index))
        own = ground.rows(index)
        yield from _strata(record, name, int(ground.positions[own].sum()), int(counts.disagree[own].sum()))
    dearest = max(split.bits_per_token for split in record.splits.values())
    if record.bits_per_token != dearest:
        yield f"bits_per_token must be the dearest split's, {dearest}, got {record.bits_per_token}"


def _explainer(stored: Stored, record: ExplainerRecord) -> Iterator[str]:
    bank, counts = stored.ground(BankTable), stored.counts(ExplainerCounts)
    if (len(counts.distance), len(counts.correlation)) != (len(bank.pair), len(bank.masking)):
        yield "its counts do not fit its bank"
    elif not _covers(record, bank.pair_split):
        yield _other_splits(record, bank.pair_split)
    else:
        for index, name in enumerate(record.splits):
            yield from _differing(record, name, explainer_figures(bank, counts, index))


def _covers(record: CodecRecord | ExplainerRecord, split: Numbers) -> bool:
    return bool(np.array_equal(np.flatnonzero(np.bincount(split)), np.arange(len(record.splits))))


def _other_splits(record: CodecRecord | ExplainerRecord, split: Numbers) -> str:
    return f"splits: its counts are of {len(np.unique(split))}, the record has {len(record.splits)}"


def _parts(ground: GroundCounts, counts: Counts) -> list[tuple[Numbers, Numbers]]:
    """Of each pair the first counts some of the positions that the second counts."""
    return [
        (ground.reference_wrong, ground.positions),
        (ground.floor_disagree, ground.positions),
        (counts.disagree, ground.positions),
        (counts.proxy_wrong, ground.positions),
        (counts.disagree_where_wrong, np.minimum(counts.disagree, ground.reference_wrong)),
    ]


def _differing(record: CodecRecord | ExplainerRecord, split: str, figures: Mapping[str, object]) -> Iterator[str]:
    for figure, value in figures.items():
        said = getattr(record.splits[split], figure)
        if said != value:
            yield f"splits.{split}.{figure}: its counts give {value}, the record says {said}"


def _strata(record: CodecRecord, split: str, cases: int, disagree: int) -> Iterator[str]:
    """Strata divide a split's positions, and with them those that agree."""
    for name, strata in record.splits[split].strata.items():
        total = sum(stratum.positions for stratum in strata.values())
        if total != cases:
            yield f"splits.{split}.strata.{name}: expected {cases} positions in all, got {total}"
            continue
        agree = sum(stratum.agreement * stratum.positions for stratum in strata.values())
        if abs(agree - (cases - disagree)) > WHOLE:
            yield f"splits.{split}.strata.{name}: expected agreement on {cases - disagree} positions in all, got {agree:.3f}"
