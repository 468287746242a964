"""What is known: records, their counts and where they are stored. Knows no model and no task."""

from simplibench.records.codec import CodecRecord, Counts, GroundCounts, Runtime, SplitResult, Stratum, split_figures
from simplibench.records.explainer import (
    BankTable,
    ExplainerCounts,
    ExplainerRecord,
    ExplainerRuntime,
    ExplainerSplit,
    explainer_figures,
)
from simplibench.records.paths import entry_path
from simplibench.records.record import Environment, Protocol, Record, SeedName, Terms, expected_key, key_of
from simplibench.records.store import (
    COMMITTED,
    RESULTS,
    Stored,
    files_below,
    load,
    load_all,
    load_single,
    read_files,
    record_path,
    require_place,
    save,
    without_collection,
)
from simplibench.records.table import Table
from simplibench.records.tracks import TRACKS
from simplibench.records.verify import problems_each, verify

__all__ = [
    "COMMITTED",
    "RESULTS",
    "TRACKS",
    "BankTable",
    "CodecRecord",
    "Counts",
    "Environment",
    "ExplainerCounts",
    "ExplainerRecord",
    "ExplainerRuntime",
    "ExplainerSplit",
    "GroundCounts",
    "Protocol",
    "Record",
    "Runtime",
    "SeedName",
    "SplitResult",
    "Stored",
    "Stratum",
    "Table",
    "Terms",
    "entry_path",
    "expected_key",
    "explainer_figures",
    "files_below",
    "key_of",
    "load",
    "load_all",
    "load_single",
    "problems_each",
    "read_files",
    "record_path",
    "require_place",
    "save",
    "split_figures",
    "verify",
    "without_collection",
]
