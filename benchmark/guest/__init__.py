"""The process boundary: handles on guests, the fork server, the channel, the worker in a guest, and the contracts.

A guest is a process that runs a submission's code; the host owns references, splits, scoring and records.
"""

from simplibench.guest.codec import HostedCodec
from simplibench.guest.codec_contract import check_codec
from simplibench.guest.contract import Problem
from simplibench.guest.explainer import HostedExplainer
from simplibench.guest.explainer_contract import Question, check_explainer
from simplibench.guest.host import ForkServer, Guest, InProcess
from simplibench.guest.messages import MethodRunner, Reply, Request

__all__ = [
    "ForkServer",
    "Guest",
    "HostedCodec",
    "HostedExplainer",
    "InProcess",
    "MethodRunner",
    "Problem",
    "Question",
    "Reply",
    "Request",
    "check_codec",
    "check_explainer",
]
