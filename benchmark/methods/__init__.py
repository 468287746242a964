"""What is submitted: codecs, submissions, the contract they keep. Knows no model and no score."""

from benchmark.methods.codec import Codec, CodecPart, State
from benchmark.methods.method import Method
from benchmark.methods.performer import Caller, EntryManifest, Manifest, Performer, Reply, Request, manifest
from benchmark.methods.submission import Submission, load_submission, source_sha256

__all__ = [
    "Caller",
    "Codec",
    "CodecPart",
    "EntryManifest",
    "Manifest",
    "Method",
    "Performer",
    "Reply",
    "Request",
    "State",
    "Submission",
    "load_submission",
    "manifest",
    "source_sha256",
]
