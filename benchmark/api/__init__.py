"""What is called from Python: score methods given in any form, and the results as records, tables and charts."""

from benchmark.api.evaluation import evaluate
from benchmark.api.results import Results
from benchmark.api.tables import EntryTable, entry_tables

__all__ = ["EntryTable", "Results", "entry_tables", "evaluate"]
