"""A codec entry as the harness uses it: its code runs in a guest, and all results are checked."""

import torch
from torch import Tensor

from simplibench.errors import MethodFailed
from simplibench.guest.messages import Call, MethodRunner, Reply, Request
from simplibench.methods.codec import State
from simplibench.methods.entries import CodecEntry
from simplibench.scoring.rate import FLOAT_BITS


class HostedCodec:
    """A codec entry that fits and encodes with one runner and decodes with another. Every method raises MethodFailed."""

    def __init__(
        self, encoder: MethodRunner, decoder: MethodRunner, entry: CodecEntry, index: int, audit: bool = False
    ) -> None:
        self.encoder, self.decoder, self.entry, self.index, self.audit = encoder, decoder, entry, index, audit
        self.last: Reply | None = None
        self.vectors = 0  # rows that were encoded and decoded in `seconds`
        self.seconds = 0.0
        self._warm = False
        self._kind: tuple[torch.dtype, int] | None = None

    @property
    def peak_memory_bytes(self) -> int:
        """Return the peak memory of the larger of the two processes."""
        return max(self.encoder.peak_memory_bytes, self.decoder.peak_memory_bytes)

    def fit(self, x: Tensor, seed: int) -> tuple[State, float]:
        """Fit on x [n, d]; return the state, and the duration in seconds."""
        reply = self._call(self.encoder, "fit", {"x": x}, seed)
        return self._finite("fit", reply.tensors), reply.done.seconds

    def trim(self, state: State) -> State:
        """Return what this entry keeps of a shared state."""
        return self._finite("trim", self._call(self.encoder, "trim", _named(state)).tensors)

    def encode(self, state: State, x: Tensor) -> Tensor:
        """Return the code [n, m] of x [n, d]; dtype and m must be the same in all calls."""
        reply = self._call(self.encoder, "encode", {"x": x, **_named(state)})
        code = reply.tensors["result"]
        self._check_code(code, len(x))
        self._count(reply.done.seconds, 0)
        # The sign of a zero would be a bit that no rate sees.
        return code + 0 if code.dtype in FLOAT_BITS else code

    def decode(self, state: State, code: Tensor, width: int) -> Tensor:
        """Return the rows [n, width] of a code [n, m], in float32."""
        reply = self._call(self.decoder, "decode", {"code": code, **_named(state)})
        decoded = reply.tensors["result"]
        expected = (len(code), width)
        if decoded.dtype != torch.float32 or tuple(decoded.shape) != expected:
            raise MethodFailed("decode", f"float32 of shape {list(expected)}", _kind(decoded))
        self._finite("decode", {"result": decoded})
        self._count(reply.done.seconds, len(code))
        self._warm = True
        return decoded

    def _check_code(self, code: Tensor, rows: int) -> None:
        if code.ndim != 2 or len(code) != rows:
            raise MethodFailed("encode", f"a code of shape [{rows}, m]", _kind(code))
        kind = (code.dtype, code.shape[1])
        if self._kind not in (None, kind):
            raise MethodFailed("encode", f"a code like before, {self._kind[0]} with m = {self._kind[1]}", _kind(code))
        self._kind = kind
        self._finite("encode", {"result": code})

    def _finite(self, method: str, tensors: State) -> State:
        for name, tensor in tensors.items():
            if not _all_finite(tensor):
                where = f"state[{name!r}]" if method in ("fit", "trim") else "its result"
                kinds = "NaN" if bool(tensor.isnan().any()) else "infinity"
                raise MethodFailed(method, f"finite numbers in {where}", kinds)
        return tensors

    def _count(self, seconds: float, vectors: int) -> None:
        if self._warm:
            self.seconds += seconds
            self.vectors += vectors

    def _call(self, runner: MethodRunner, method: str, tensors: State, seed: int = 0) -> Reply:
        self.last = runner.call(Request(Call(method=method, entry=self.index, seed=seed, audit=self.audit), tensors))
        return self.last


def _all_finite(tensor: Tensor) -> bool:
    """Return whether all numbers are finite: usually their sum shows it, twenty times faster than a look at each."""
    if tensor.dtype not in FLOAT_BITS:
        return True
    return bool(tensor.sum().isfinite()) or bool(tensor.isfinite().all())


def _named(state: State) -> State:
    return {f"state.{name}": tensor for name, tensor in state.items()}


def _kind(tensor: Tensor) -> str:
    return f"{str(tensor.dtype).removeprefix('torch.')} of shape {list(tensor.shape)}"
