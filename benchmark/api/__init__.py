"""The Python interface: score methods given in any form; results are records, tables and charts."""

from simplibench.api.evaluation import evaluate
from simplibench.api.results import Results

__all__ = ["Results", "evaluate"]
