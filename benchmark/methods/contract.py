"""What `validate` finds: broken promises, each with what was expected and what came."""

from collections.abc import Iterator
from dataclasses import dataclass

from benchmark.methods.manifest import EntryManifest
from benchmark.methods.performer import Reply

RELATIVE, ABSOLUTE = 1e-3, 1e-4  # a matrix product of fewer rows may be summed in another order


@dataclass(frozen=True)
class Problem:
    """One broken promise."""

    entry: str
    method: str
    expected: str
    got: str

    def __str__(self) -> str:
        return f"{self.entry}, {self.method}: expected {self.expected}, got {self.got}"


def input_kept(entry: EntryManifest, method: str, last: Reply | None) -> Iterator[Problem]:
    """A method may not write to what it is given."""
    if last is not None and last.changed_input:
        yield Problem(entry.label, method, "its input left as it was", "a changed input; work on a copy")
