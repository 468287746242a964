"""simplibench: how far can you trust a simplified model?

The public names load when first used, so that importing the package, and `simplibench --help`, costs no torch.
"""

from typing import TYPE_CHECKING

from benchmark.lazy import exports

if TYPE_CHECKING:
    from benchmark.api import Results, evaluate
    from benchmark.methods import Codec, ExplainedModel, Explainer, State, Submission, load_submission
    from benchmark.models import load_reference
    from benchmark.registry import load_task

_HOMES = {
    "Codec": "benchmark.methods",
    "ExplainedModel": "benchmark.methods",
    "Explainer": "benchmark.methods",
    "Results": "benchmark.api",
    "State": "benchmark.methods",
    "Submission": "benchmark.methods",
    "evaluate": "benchmark.api",
    "load_reference": "benchmark.models",
    "load_submission": "benchmark.methods",
    "load_task": "benchmark.registry",
}

__all__ = [
    "Codec",
    "ExplainedModel",
    "Explainer",
    "Results",
    "State",
    "Submission",
    "evaluate",
    "load_reference",
    "load_submission",
    "load_task",
]


__getattr__ = exports(__name__, _HOMES)
