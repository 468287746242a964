"""Recompute what the counts of a record determine."""

from collections.abc import Mapping
from dataclasses import fields

from benchmark.errors import DamagedFile
from benchmark.records.codec_figures import split_figures
from benchmark.records.codecs import CodecRecord, Counts, GroundCounts
from benchmark.records.explainer_figures import explainer_figures
from benchmark.records.explainers import BankTable, ExplainerCounts
from benchmark.records.store import Stored


def verify(stored: Stored) -> None:
    """Raises DamagedFile that names the first figure that differs."""
    if stored.record.status == "failed":
        return
    if isinstance(stored.record, CodecRecord):
        _verify_codec(stored, stored.record)
    else:
        bank, counts = stored.ground(BankTable), stored.counts(ExplainerCounts)
        lengths = (len(counts.distance), len(counts.correlation))
        if lengths != (len(bank.pair), len(bank.masking)):
            raise DamagedFile(f"{stored.path}: its counts do not fit its bank; run it again")
        _all_splits(stored, 1 + int(bank.pair_split.max()))
        for index, name in enumerate(stored.record.splits):
            _same(stored, name, explainer_figures(bank, counts, index))


def _verify_codec(stored: Stored, record: CodecRecord) -> None:
    ground, counts = stored.ground(GroundCounts), stored.counts(Counts)
    for field in fields(counts):
        if len(getattr(counts, field.name)) != len(ground.split):
            raise DamagedFile(
                f"{stored.path}: its counts and its ground have different numbers of sentences; run it again"
            )
    _all_splits(stored, 1 + int(ground.split.max()))
    for index, name in enumerate(record.splits):
        _same(stored, name, split_figures(ground, counts, index))
        _verify_strata(stored, record, name, int(ground.positions[ground.split == index].sum()))
    dearest = max(split.bits_per_token for split in record.splits.values())
    if record.bits_per_token != dearest:
        raise DamagedFile(
            f"{stored.path}: bits_per_token must be the dearest split's, {dearest}, got {record.bits_per_token}"
        )


def _all_splits(stored: Stored, measured: int) -> None:
    if len(stored.record.splits) != measured:
        raise DamagedFile(
            f"{stored.path}: splits: its counts are of {measured}, the record has {len(stored.record.splits)}; run it again"
        )


def _same(stored: Stored, split: str, figures: Mapping[str, object]) -> None:
    for figure, value in figures.items():
        said = getattr(stored.record.splits[split], figure)
        if said != value:
            raise DamagedFile(
                f"{stored.path}: splits.{split}.{figure}: its counts give {value}, the record says {said}; run it again"
            )


def _verify_strata(stored: Stored, record: CodecRecord, split: str, cases: int) -> None:
    for name, strata in record.splits[split].strata.items():
        total = sum(stratum.positions for stratum in strata.values())
        if total != cases:
            raise DamagedFile(
                f"{stored.path}: splits.{split}.strata.{name}: expected {cases} positions in all, got {total}"
            )
