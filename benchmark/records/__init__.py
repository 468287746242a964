"""What is known: records, their counts and where they are stored. Knows no model and no task."""

from benchmark.records.counts import Counts, GroundCounts
from benchmark.records.figures import split_figures, verify
from benchmark.records.record import Environment, Protocol, Record, Runtime, SeedName, SplitResult, Stratum
from benchmark.records.store import COMMITTED, Stored, entry_path, load, load_all, record_path, save

__all__ = [
    "COMMITTED",
    "Counts",
    "Environment",
    "GroundCounts",
    "Protocol",
    "Record",
    "Runtime",
    "SeedName",
    "SplitResult",
    "Stored",
    "Stratum",
    "entry_path",
    "load",
    "load_all",
    "record_path",
    "save",
    "split_figures",
    "verify",
]
