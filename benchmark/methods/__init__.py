"""What is submitted: methods of every track, submissions, the contracts they keep. Knows no score."""

from typing import TYPE_CHECKING

from benchmark.lazy import exports
from benchmark.methods.manifest import AnyEntry, CodecEntry, ExplainerEntry, Manifest
from benchmark.methods.method import Method
from benchmark.methods.selection import Given, Pick, Selection, load_selection, select
from benchmark.methods.submission import (
    NAME_PATTERN,
    Submission,
    load_submission,
    require_no_file_running,
    source_sha256,
)

if TYPE_CHECKING:
    from benchmark.methods.codec import Codec, CodecPart, State
    from benchmark.methods.codec_contract import check_codec
    from benchmark.methods.contract import Problem
    from benchmark.methods.explained import ExplainedModel
    from benchmark.methods.explainer import Explainer
    from benchmark.methods.explainer_contract import Question, check_explainer
    from benchmark.methods.hosted_codec import HostedCodec
    from benchmark.methods.hosted_explainer import HostedExplainer
    from benchmark.methods.performer import Caller, Performer, Reply, Request

__getattr__ = exports(
    __name__,
    {
        **dict.fromkeys(("Codec", "CodecPart", "State"), "benchmark.methods.codec"),
        "check_codec": "benchmark.methods.codec_contract",
        "Problem": "benchmark.methods.contract",
        "ExplainedModel": "benchmark.methods.explained",
        "Explainer": "benchmark.methods.explainer",
        **dict.fromkeys(("Question", "check_explainer"), "benchmark.methods.explainer_contract"),
        "HostedCodec": "benchmark.methods.hosted_codec",
        "HostedExplainer": "benchmark.methods.hosted_explainer",
        **dict.fromkeys(("Caller", "Performer", "Reply", "Request"), "benchmark.methods.performer"),
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
