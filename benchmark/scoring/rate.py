"""The rate of a code in bits per token, measured on the code tensors themselves."""

import math

import numpy as np
import torch
from torch import Tensor

from simplibench.scoring.histogram import Histogram

FLOAT_BITS = {torch.float16: 16, torch.bfloat16: 16, torch.float32: 32, torch.float64: 64}
INTEGERS = (torch.bool, torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64)


class CodeMeter:
    """Sum up codes [n, m] of one kind and return their mean bits per row.

    Float codes cost their width a dimension; or, if that is less, width + log2(m) bits for every non-zero value.
    Integer codes cost the empirical entropy of each column plus the naming of its distinct symbols, once each; at most
    log2 of the column's alphabet, the range of its values. Without the naming, a wide integer that never repeats would
    carry 64 bits at the price of log2(rows). A column of more symbols than a histogram counts costs its alphabet.
    Where a column points at one of a number of positions that changes from row to row, the alphabet is those positions.
    """

    def __init__(self) -> None:
        self.rows = 0
        self._values = 0
        self._nonzero = 0
        self._float_bits = 0
        self._pointer_bits = 0.0
        self._pointers = True
        self._histograms: list[Histogram] = []

    def add(self, code: Tensor, visible: Tensor | None = None) -> None:
        """Count the rows of a code [n, m]; `visible` [n] is the number of positions each row can point at, if any."""
        self.rows += len(code)
        if code.dtype in FLOAT_BITS:
            self._float_bits = FLOAT_BITS[code.dtype]
            self._values += code.numel()
            self._nonzero += int(torch.count_nonzero(code))
        else:
            self._add_integers(code, visible)

    def _add_integers(self, code: Tensor, visible: Tensor | None) -> None:
        if not self._histograms:
            self._histograms = [Histogram() for _ in range(code.shape[1])]
        for histogram, column in zip(self._histograms, code.numpy().T, strict=True):
            histogram.add(column)
        if visible is None or not bool(((code >= 0) & (code < visible[:, None])).all()):
            self._pointers = False
        else:
            self._pointer_bits += float(visible.double().log2().sum())

    def bits(self) -> float:
        """Return mean bits per row. Raises: ValueError if nothing was measured."""
        if not self.rows:
            raise ValueError("no rows were measured, so the code has no rate")
        pointer = self._pointer_bits / self.rows if self._pointers else math.inf
        return self._floats() + sum(min(column_bits(column), pointer) for column in self._histograms)

    @property
    def dense(self) -> bool:
        """Return whether all values so far are non-zero floats: unless many zeros follow, the rate is their width."""
        return self._nonzero == self._values > 0

    def _floats(self) -> float:
        dimensions = self._values / self.rows
        dense = dimensions * self._float_bits
        sparse = self._nonzero / self.rows * (self._float_bits + math.log2(dimensions)) if dimensions else 0.0
        return min(dense, sparse)


def column_bits(column: Histogram) -> float:
    """Return the bits a symbol: entropy + distinct * log2(alphabet) / n, at most log2(alphabet), as where it is full."""
    counts, alphabet = column.counts, math.log2(column.high - column.low + 1)
    if column.full:
        return alphabet
    total = int(counts.sum(dtype=np.int64))
    different, place = np.unique(counts, return_inverse=True)
    terms = np.array([count / total * math.log2(count / total) for count in different.tolist()])
    entropy = -float(np.add.accumulate(terms[place])[-1])  # one after the other: the sum of any numpy and processor
    return min(entropy + len(counts) * alphabet / total, alphabet)
