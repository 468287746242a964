"""The promises of a method, and the problems that `validate` reports: what was expected and what came."""

from collections.abc import Iterator
from dataclasses import dataclass

from simplibench.guest.messages import Reply
from simplibench.methods.entries import EntryManifest
from simplibench.text import printable

RELATIVE, ABSOLUTE = 1e-3, 1e-4  # a matrix product of fewer rows may be summed in another order


INPUT_KEPT = "its input left as it was"


@dataclass(frozen=True)
class Promise:
    """A promise that a method must keep, in the words of the problem that reports its breach."""

    method: str
    expected: str
    needs: str = ""  # the promise of the same method without which this one cannot be tried


@dataclass(frozen=True)
class Problem:
    """One broken promise."""

    entry: str
    method: str
    expected: str
    got: str

    def __str__(self) -> str:
        return printable(f"{self.entry}, {self.method}: expected {self.expected}, got {self.got}")


def input_kept(entry: EntryManifest, method: str, last: Reply | None) -> Iterator[Problem]:
    """Yield a problem if the last call wrote to its input."""
    if last is not None and last.done.changed_input:
        yield Problem(entry.label, method, INPUT_KEPT, "a changed input; work on a copy")
