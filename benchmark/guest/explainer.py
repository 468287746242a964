"""An explainer entry as the harness uses it: its code runs in a guest, and all results are checked."""

import torch
from torch import Tensor

from simplibench.errors import MethodFailed
from simplibench.guest.messages import Call, MethodRunner, Reply, Request
from simplibench.methods.entries import ExplainerEntry
from simplibench.methods.explained import describe_model
from simplibench.models import Network


class HostedExplainer:
    """An explainer entry that runs with one runner. Every method raises MethodFailed."""

    def __init__(self, runner: MethodRunner, entry: ExplainerEntry, index: int, audit: bool = False) -> None:
        self.runner, self.entry, self.index, self.audit = runner, entry, index, audit
        self.last: Reply | None = None
        self.cases = 0  # explained in `seconds`
        self.seconds = 0.0

    @property
    def peak_memory_bytes(self) -> int:
        """Return the peak memory of the process that runs the code."""
        return self.runner.peak_memory_bytes

    def explain(self, model: Network, candidates: range, tokens: Tensor, positions: Tensor) -> Tensor:
        """Return attributions [case, token] in double precision, 0 after the position of each case.

        `tokens` [case, token] are the cases, `positions` [case] are where a prediction, one of `candidates`, is explained.
        """
        weights = {f"weight.{name}": weight.cpu() for name, weight in model.state_dict().items()}
        call = Call(method="explain", entry=self.index, audit=self.audit, model=describe_model(model, candidates))
        self.last = self.runner.call(Request(call, {"tokens": tokens.cpu(), "positions": positions.cpu(), **weights}))
        self.cases, self.seconds = self.cases + len(tokens), self.seconds + self.last.done.seconds
        return _checked(self.last.tensors["result"], tokens.cpu(), positions.cpu())


def _checked(attributions: Tensor, tokens: Tensor, positions: Tensor) -> Tensor:
    expected = list(tokens.shape)
    if not attributions.is_floating_point() or list(attributions.shape) != expected:
        kind = str(attributions.dtype).removeprefix("torch.")
        raise MethodFailed("explain", f"floats of shape {expected}", f"{kind} of shape {list(attributions.shape)}")
    if not bool(attributions.isfinite().all()):
        got = "NaN" if bool(attributions.isnan().any()) else "infinity"
        raise MethodFailed("explain", "finite attributions", got)
    later = torch.arange(tokens.shape[1]) > positions[:, None]
    if bool(attributions[later].any()):
        case = int(attributions.masked_fill(~later, 0).any(1).nonzero()[0])
        raise MethodFailed(
            "explain",
            "0 after the explained position, where there is nothing to explain",
            f"attributions after position {int(positions[case])} of case {case}",
        )
    return attributions.double()
