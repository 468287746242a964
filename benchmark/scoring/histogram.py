"""Return how often each symbol of a column was seen, in a few bytes a symbol."""

import numpy as np
import numpy.typing as npt

Integers = npt.NDArray[np.integer]

MOST_SYMBOLS = 1 << 20  # that are counted; no shipped split has half as many rows, so that its columns cannot have more
FEWEST_MERGED = 1 << 12  # symbols that wait to be merged: fewer are not worth a sort
WIDTHS = (np.int8, np.int16, np.int32, np.int64)


class Histogram:
    """Counts of whole numbers that come in parts.

    Symbols and counts lie in integers as narrow as they allow, 2 to 16 bytes together. They keep the order in which they
    were first seen, and with it the last digit of sums over them. Beyond MOST_SYMBOLS nothing is counted but the range.
    """

    def __init__(self) -> None:
        self.low = self.high = 0  # of all symbols, as soon as there is one
        self.full = False  # there were more symbols than are counted
        self._symbols: Integers = np.empty(0, np.int8)
        self._counts: Integers = np.empty(0, np.int8)
        self._waiting: list[tuple[Integers, Integers]] = []
        self._empty = True

    def add(self, column: Integers) -> None:
        """Count the symbols of a part of the column, [n]."""
        if not len(column):
            return
        symbols, counts = np.unique(column, return_counts=True)
        low, high = int(symbols[0]), int(symbols[-1])
        self.low, self.high = (low, high) if self._empty else (min(low, self.low), max(high, self.high))
        self._empty = False
        if self.full:
            return
        self._waiting.append((_narrow(symbols), _narrow(counts)))
        if sum(len(waiting) for waiting, _ in self._waiting) > max(len(self._symbols), FEWEST_MERGED):
            self._merge()

    @property
    def counts(self) -> Integers:
        """Return how often each symbol was seen, [symbol] in order of first appearance; none where it is `full`."""
        if self._waiting:
            self._merge()
        return self._counts

    def _merge(self) -> None:
        parts = [(self._symbols, self._counts), *self._waiting]
        self._waiting = []
        symbols, first, place = np.unique(
            np.concatenate([part for part, _ in parts]), return_index=True, return_inverse=True
        )
        counts = np.bincount(place, np.concatenate([part for _, part in parts])).astype(np.int64)
        order = np.argsort(first)
        self._symbols, self._counts = _narrow(symbols[order]), _narrow(counts[order])
        if len(symbols) > MOST_SYMBOLS:
            self.full, self._symbols, self._counts = True, self._symbols[:0], self._counts[:0]


def _narrow(values: Integers) -> Integers:
    """Return the same whole numbers in the narrowest type that holds them."""
    low, high = int(values.min()), int(values.max())
    width = next(width for width in WIDTHS if np.iinfo(width).min <= low and high <= np.iinfo(width).max)
    return values.astype(width)
