"""The contract of codecs: the promises that every entry must keep, and their check."""

from collections.abc import Callable, Iterator, Mapping

import safetensors.torch
import torch
from torch import Tensor

from simplibench.errors import MethodFailed
from simplibench.guest.codec import HostedCodec
from simplibench.guest.contract import ABSOLUTE, INPUT_KEPT, RELATIVE, Problem, Promise, input_kept
from simplibench.guest.messages import MethodRunner
from simplibench.methods.codec import CodecPart, State
from simplibench.methods.entries import CodecEntry

SEED, OTHER_SEED = 1, 2
SAME_STATE = "the same state under the same seed"
OTHER_STATE = "another state under another seed, as it draws from the generator"
SAVED_STATE = "a state that survives saving and loading"
REPEATABLE = "the same result for the same input"
INDEPENDENT = "rows independent of each other"
CODE_ALONE = "the same from the code alone, in a process that has seen nothing else"
SKLEARN = ", never from numpy's or torch's own; in scikit-learn that is what `random_state` is for"
CODEC_METHODS = ("fit", "trim", "encode", "decode")  # in the order in which they are tried
CODEC_PROMISES = (
    Promise("fit", INPUT_KEPT),
    Promise("fit", SAME_STATE),
    Promise("fit", OTHER_STATE, SAME_STATE),
    Promise("fit", SAVED_STATE),
    Promise("encode", INPUT_KEPT),
    Promise("encode", REPEATABLE),
    Promise("encode", INDEPENDENT, REPEATABLE),
    Promise("decode", CODE_ALONE),
    Promise("decode", INPUT_KEPT),
    Promise("decode", REPEATABLE),
    Promise("decode", INDEPENDENT, REPEATABLE),
)


def check_codec(
    runner: MethodRunner,
    decoder: MethodRunner,
    entry: CodecEntry,
    index: int,
    rows: Mapping[CodecPart, Mapping[str, Tensor]],
) -> list[Problem]:
    """Check an entry on rows [n, d] of real activations, given by part and arena; return every problem once.

    `decoder` runs in another process than `runner`: it decodes codes whose rows it has never seen.
    """
    problems: dict[Problem, None] = {}
    for x in rows[entry.part].values():
        problems |= dict.fromkeys(_Examination(runner, decoder, entry, index, x).problems())
    return list(problems)


class _Examination:
    """The check of one entry on one set of rows."""

    def __init__(self, runner: MethodRunner, decoder: MethodRunner, entry: CodecEntry, index: int, x: Tensor) -> None:
        self.codec = HostedCodec(runner, runner, entry, index, audit=True)
        self.decoder = HostedCodec(runner, decoder, entry, index, audit=True)
        self.entry, self.x = entry, x
        self.half = len(x) // 2

    def problems(self) -> Iterator[Problem]:
        """Check fit, encode and decode in turn; yield the problems. A method that fails ends the check."""
        self.state: State = {}
        self.code = torch.empty(0)
        for part in (self._fit, self._encode, self._decode):
            try:
                yield from part()
            except MethodFailed as failure:
                yield Problem(self.entry.label, failure.method, failure.expected, failure.got)
                return

    def _fit(self) -> Iterator[Problem]:
        fitted = self.codec.fit(self.x, SEED)[0]
        drew = self.codec.last is not None and self.codec.last.done.drew
        yield from input_kept(self.entry, "fit", self.codec.last)
        if not _same(fitted, self.codec.fit(self.x, SEED)[0]):
            yield self._problem("fit", SAME_STATE, f"another; draw from the generator alone{SKLEARN}")
        elif drew and _same(fitted, self.codec.fit(self.x, OTHER_SEED)[0]):
            yield self._problem("fit", OTHER_STATE, "the same")
        stored = safetensors.torch.load(safetensors.torch.save(fitted)) if fitted else {}
        if not _same(fitted, stored):
            yield self._problem("fit", SAVED_STATE, "another one after loading")
        self.state = self.codec.trim(stored)

    def _encode(self) -> Iterator[Problem]:
        self.code = self.codec.encode(self.state, self.x)
        yield from input_kept(self.entry, "encode", self.codec.last)
        yield from self._repeatable("encode", lambda rows: self.codec.encode(self.state, rows), self.x, self.code)

    def _decode(self) -> Iterator[Problem]:
        width = self.x.shape[1]
        by_decoder = self.decoder.decode(self.state, self.code, width)
        decoded = self.codec.decode(self.state, self.code, width)
        if not torch.equal(decoded, by_decoder):
            yield self._problem("decode", CODE_ALONE, "another result")
        yield from input_kept(self.entry, "decode", self.codec.last)
        yield from self._repeatable(
            "decode", lambda rows: self.codec.decode(self.state, rows, width), self.code, decoded
        )

    def _repeatable(
        self, method: str, call: Callable[[Tensor], Tensor], rows: Tensor, result: Tensor
    ) -> Iterator[Problem]:
        if not torch.equal(result, call(rows)):
            yield self._problem(method, REPEATABLE, "another one the second time")
        elif not _close(result[: self.half], call(rows[: self.half])):
            yield self._problem(method, INDEPENDENT, "other results without the other rows")

    def _problem(self, method: str, expected: str, got: str) -> Problem:
        return Problem(self.entry.label, method, expected, got)


def _same(a: State, b: State) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


def _close(a: Tensor, b: Tensor) -> bool:
    if a.shape != b.shape:
        return False
    return torch.allclose(a, b, RELATIVE, ABSOLUTE) if a.is_floating_point() else torch.equal(a, b)
