"""What is submitted: codecs, submissions, the contract they keep. Knows no model and no score."""

from benchmark.methods.codec import Codec, CodecPart, State
from benchmark.methods.contract import Problem, check
from benchmark.methods.hosted import HostedCodec
from benchmark.methods.method import Method
from benchmark.methods.performer import Caller, EntryManifest, Manifest, Performer, Reply, Request, manifest
from benchmark.methods.submission import Submission, load_submission, source_sha256

__all__ = [
    "Caller",
    "Codec",
    "CodecPart",
    "EntryManifest",
    "HostedCodec",
    "Manifest",
    "Method",
    "Performer",
    "Problem",
    "Reply",
    "Request",
    "State",
    "Submission",
    "check",
    "load_submission",
    "manifest",
    "source_sha256",
]
