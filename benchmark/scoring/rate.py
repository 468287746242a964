"""The rate of a code in bits per token, measured on the code tensors themselves."""

import math

import torch
from torch import Tensor

FLOAT_BITS = {torch.float16: 16, torch.bfloat16: 16, torch.float32: 32, torch.float64: 64}
INTEGERS = (torch.bool, torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64)


class CodeMeter:
    """Sum up codes [n, m] of one kind and return their mean bits per row.

    Float codes cost their width per dimension; or, if that is less, width + log2(m) bits per non-zero value.
    Integer codes cost the empirical entropy of each column plus naming its distinct symbols, once each; at most log2 of
    the column's alphabet, the range of its values. Without the naming, a wide integer that never repeats would carry 64
    bits at the price of log2(rows).
    A column may point at positions, of which each row has its own number: then the alphabet is those positions.
    """

    def __init__(self) -> None:
        self.rows = 0
        self._values = 0
        self._nonzero = 0
        self._float_bits = 0
        self._pointer_bits = 0.0
        self._pointers = True
        self._histograms: list[dict[int, int]] = []

    def add(self, code: Tensor, visible: Tensor | None = None) -> None:
        """Count the rows of a code [n, m]; `visible` [n] is the number of positions each row can point at, if any."""
        self.rows += len(code)
        if code.dtype in FLOAT_BITS:
            self._float_bits = FLOAT_BITS[code.dtype]
            self._values += code.numel()
            self._nonzero += int(torch.count_nonzero(code))
        else:
            self._add_integers(code.to(torch.int64), visible)

    def _add_integers(self, code: Tensor, visible: Tensor | None) -> None:
        if not self._histograms:
            self._histograms = [{} for _ in range(code.shape[1])]
        for histogram, column in zip(self._histograms, code.T, strict=True):
            symbols, counts = column.unique(return_counts=True)
            for symbol, count in zip(symbols.tolist(), counts.tolist(), strict=True):
                histogram[symbol] = histogram.get(symbol, 0) + count
        if visible is None or not bool(((code >= 0) & (code < visible[:, None])).all()):
            self._pointers = False
        else:
            self._pointer_bits += float(visible.double().log2().sum())

    def bits(self) -> float:
        """Return mean bits per row. Raises: ValueError if nothing was measured."""
        if not self.rows:
            raise ValueError("no rows were measured, so the code has no rate")
        pointer = self._pointer_bits / self.rows if self._pointers else math.inf
        return self._floats() + sum(min(column_bits(counts), pointer) for counts in self._histograms)

    @property
    def dense(self) -> bool:
        """Return whether all values so far are non-zero floats: unless many zeros follow, the rate is their width."""
        return self._nonzero == self._values > 0

    def _floats(self) -> float:
        dimensions = self._values / self.rows
        dense = dimensions * self._float_bits
        sparse = self._nonzero / self.rows * (self._float_bits + math.log2(dimensions)) if dimensions else 0.0
        return min(dense, sparse)


def column_bits(histogram: dict[int, int]) -> float:
    """Return bits per symbol of a histogram {symbol: count}: entropy + distinct * log2(alphabet) / n.

    At most log2(alphabet), the range of the symbols.
    """
    total = sum(histogram.values())
    alphabet = math.log2(max(histogram) - min(histogram) + 1)
    entropy = -sum(count / total * math.log2(count / total) for count in histogram.values())
    return min(entropy + len(histogram) * alphabet / total, alphabet)
