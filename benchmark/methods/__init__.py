"""What is submitted: methods of every track, and submissions. Knows no score and runs no code."""

from typing import TYPE_CHECKING

from simplibench.lazy import exports
from simplibench.methods.entries import CodecEntry, EntryManifest, ExplainerEntry
from simplibench.methods.manifest import NAME_PATTERN, Manifest
from simplibench.methods.method import Method
from simplibench.methods.sources import source_sha256
from simplibench.methods.spec import EntrySpec, MethodLike, MethodSpec, load_spec, select
from simplibench.methods.submission import Submission, load_submission, require_no_file_running

if TYPE_CHECKING:
    from simplibench.methods.codec import Codec, CodecPart, State
    from simplibench.methods.explained import ExplainedModel
    from simplibench.methods.explainer import Explainer

__getattr__ = exports(
    __name__,
    {
        **dict.fromkeys(("Codec", "CodecPart", "State"), "simplibench.methods.codec"),
        "ExplainedModel": "simplibench.methods.explained",
        "Explainer": "simplibench.methods.explainer",
    },
)

__all__ = [
    "NAME_PATTERN",
    "Codec",
    "CodecEntry",
    "CodecPart",
    "EntryManifest",
    "EntrySpec",
    "ExplainedModel",
    "Explainer",
    "ExplainerEntry",
    "Manifest",
    "Method",
    "MethodLike",
    "MethodSpec",
    "State",
    "Submission",
    "load_spec",
    "load_submission",
    "require_no_file_running",
    "select",
    "source_sha256",
]
