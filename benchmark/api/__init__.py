"""The Python interface: score methods given in any form; results are records, tables and charts."""

from simplibench.api.evaluation import evaluate
from simplibench.api.results import Results
from simplibench.api.tables import EntryTable, entry_tables

__all__ = ["EntryTable", "Results", "entry_tables", "evaluate"]
