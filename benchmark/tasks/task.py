"""What is asked: a language, its splits, what is scored in them, and the references trained on it."""

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal, TypeVar

import numpy as np
import numpy.typing as npt

from simplibench.tasks.arena import Arena
from simplibench.tasks.family import Family

Role = Literal["fit", "id", "ood", "control"]
Integers = npt.NDArray[np.integer]
ArenaKind = TypeVar("ArenaKind")
TRAINING = "training"  # what the training sequences are called beside the splits
HASHED_AT_ONCE = 1 << 20  # entries


@dataclass(frozen=True)
class Sequences:
    """Token sequences of unequal length, stored end to end."""

    tokens: Integers  # [total]
    offsets: Integers  # [sequence + 1]; sequence i is tokens[offsets[i] : offsets[i + 1]]

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __getitem__(self, index: int) -> Integers:
        return self.tokens[self.offsets[index] : self.offsets[index + 1]]

    @property
    def lengths(self) -> Integers:
        """Return the number of tokens of each sequence, [sequence]."""
        return np.diff(self.offsets)

    def take(self, indices: Integers) -> "Sequences":
        """Return the sequences at `indices` [n], in that order."""
        offsets = np.concatenate([[0], np.cumsum(self.lengths[indices])])
        starts = np.repeat(self.offsets[indices] - offsets[:-1], self.lengths[indices])
        return Sequences(self.tokens[starts + np.arange(offsets[-1])], offsets)

    def arrays(self) -> dict[str, Integers]:
        """Return what is hashed and stored, by name."""
        return {"tokens": self.tokens, "offsets": self.offsets}


@dataclass(frozen=True)
class Cases:
    """The scored positions of a split: at each, one token is to be predicted."""

    sequence: Integers  # [case] index of the sequence
    position: Integers  # [case] position of the last token read; the target is the token after it
    target: Integers  # [case] the right token
    strata: Mapping[str, Integers]  # name -> [case] whole-number label of the stratum

    def __len__(self) -> int:
        return len(self.sequence)

    def arrays(self) -> dict[str, Integers]:
        """Return what is hashed and stored, by name."""
        columns = {"sequence": self.sequence, "position": self.position, "target": self.target}
        return columns | {f"strata.{name}": labels for name, labels in self.strata.items()}


@dataclass(frozen=True)
class Split:
    """A named set of sequences and the cases scored in them."""

    name: str
    role: Role
    sequences: Sequences
    cases: Cases


def content_hash(arrays: Mapping[str, Integers]) -> str:
    """Return the sha256 of named arrays, however they are stored: each counts as little-endian int64."""
    digest = hashlib.sha256()
    for name in sorted(arrays):
        digest.update(f"{name}:{len(arrays[name])}\n".encode())
        for start in range(0, len(arrays[name]), HASHED_AT_ONCE):  # a long array as int64 is many times its size
            part = arrays[name][start : start + HASHED_AT_ONCE]
            digest.update(np.ascontiguousarray(part, dtype="<i8").tobytes())
    return digest.hexdigest()


class Task(ABC):
    """One language with its splits and references. A task is one file that ends in `task = ...`."""

    name: ClassVar[str]
    card: ClassVar[str]  # for readers: what the sequences are, what is left out, what is scored
    protocol: ClassVar[int]  # raised whenever a split or a checkpoint changes
    roles: ClassVar[Mapping[str, Role]]  # every split, in the order of the tables
    hashes: ClassVar[Mapping[str, str]]  # content hash of `training` and of every split
    candidates: ClassVar[range]  # the tokens among which the prediction is taken
    fetched: ClassVar[bool] = False  # whether its data are fetched, with leave, and not generated
    records_use: ClassVar[int | None] = None  # the first so many sequences of every split; None: all
    batch_tokens: ClassVar[int] = 8_192  # run at once by the scorer, padding included, unless one sequence is longer
    detailed: ClassVar[bool] = False  # cards also have bits a token, and both measures in every stratum
    labels: ClassVar[Mapping[str, Mapping[int, str]]] = {}  # stratum -> label -> what a reader calls it
    confidence: ClassVar[float | None] = None  # a stricter measure: right where P(target) / P(candidates) exceeds it
    families: ClassVar[tuple[Family, ...]]  # the first is the default; each has a card, and weights, that are shipped
    recipes: ClassVar[tuple[Family, ...]] = ()  # families to be trained by who wants them; nothing of them is shipped
    arenas: ClassVar[tuple[Arena, ...]]

    @abstractmethod
    def build(self) -> tuple[Sequences, dict[str, Split]]:
        """Generate the training sequences and every split, the same bytes each time."""

    def missing(self) -> Mapping[str, str]:
        """Return what is missing, and what to do, by split or `training` that cannot be built here: for fetched data."""
        return {}

    def lengthened(self, tokens: Integers, rng: np.random.Generator) -> Integers:
        """Return [B, T + n] for sequences [B, T]: the last T - 1 predictions must be the same, for `Recipe.invariance`."""
        raise NotImplementedError(f"{self.name} knows no change of a sequence that leaves its predictions alone")

    def family(self, name: str) -> Family:
        """Return the family called `name`, which an arena or a command refers to."""
        return next(family for family in (*self.families, *self.recipes) if family.name == name)

    def arenas_of(self, kind: type[ArenaKind]) -> list[ArenaKind]:
        """Return the arenas of one kind, in their order."""
        return [arena for arena in self.arenas if isinstance(arena, kind)]
