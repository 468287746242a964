"""simplibench: how far can you trust a simplified model?

The public names load when first used, so that importing the package, and `simplibench --help`, costs no torch.
"""

from typing import TYPE_CHECKING

from simplibench.lazy import exports

if TYPE_CHECKING:
    from simplibench.api import Results, evaluate
    from simplibench.methods import Codec, ExplainedModel, Explainer, State, Submission, load_submission
    from simplibench.models import load_reference
    from simplibench.registry import load_task

_HOMES = {
    "Codec": "simplibench.methods",
    "ExplainedModel": "simplibench.methods",
    "Explainer": "simplibench.methods",
    "Results": "simplibench.api",
    "State": "simplibench.methods",
    "Submission": "simplibench.methods",
    "evaluate": "simplibench.api",
    "load_reference": "simplibench.models",
    "load_submission": "simplibench.methods",
    "load_task": "simplibench.registry",
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
