"""What is submitted: methods of every track, submissions, the contracts they keep. Knows no score."""

from typing import TYPE_CHECKING

from simplibench.lazy import exports
from simplibench.methods.manifest import NAME_PATTERN, AnyEntry, CodecEntry, ExplainerEntry, Manifest
from simplibench.methods.method import Method
from simplibench.methods.selection import Given, Pick, Selection, load_selection, select
from simplibench.methods.sources import source_sha256
from simplibench.methods.submission import Submission, load_submission, require_no_file_running

if TYPE_CHECKING:
    from simplibench.methods.codec import Codec, CodecPart, State
    from simplibench.methods.codec_contract import check_codec
    from simplibench.methods.contract import Problem
    from simplibench.methods.explained import ExplainedModel
    from simplibench.methods.explainer import Explainer
    from simplibench.methods.explainer_contract import Question, check_explainer
    from simplibench.methods.hosted_codec import HostedCodec
    from simplibench.methods.hosted_explainer import HostedExplainer
    from simplibench.methods.performer import Caller, Performer, Reply, Request

__getattr__ = exports(
    __name__,
    {
        **dict.fromkeys(("Codec", "CodecPart", "State"), "simplibench.methods.codec"),
        "check_codec": "simplibench.methods.codec_contract",
        "Problem": "simplibench.methods.contract",
        "ExplainedModel": "simplibench.methods.explained",
        "Explainer": "simplibench.methods.explainer",
        **dict.fromkeys(("Question", "check_explainer"), "simplibench.methods.explainer_contract"),
        "HostedCodec": "simplibench.methods.hosted_codec",
        "HostedExplainer": "simplibench.methods.hosted_explainer",
        **dict.fromkeys(("Caller", "Performer", "Reply", "Request"), "simplibench.methods.performer"),
    },
)

__all__ = [
    "NAME_PATTERN",
    "AnyEntry",
    "Caller",
    "Codec",
    "CodecEntry",
    "CodecPart",
    "ExplainedModel",
    "Explainer",
    "ExplainerEntry",
    "Given",
    "HostedCodec",
    "HostedExplainer",
    "Manifest",
    "Method",
    "Performer",
    "Pick",
    "Problem",
    "Question",
    "Reply",
    "Request",
    "Selection",
    "State",
    "Submission",
    "check_codec",
    "check_explainer",
    "load_selection",
    "load_submission",
    "require_no_file_running",
    "select",
    "source_sha256",
]
