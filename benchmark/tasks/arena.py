"""Arenas: where methods of one track are ranked against each other, over references by seed. Each track has its kind."""

import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Literal, Protocol, runtime_checkable

import numpy as np

from simplibench.arrays import Bools, Integers
from simplibench.tasks.family import Family

RANKED_SEEDS = (0, 1, 2, 3, 4)
BANK = re.compile(r"\w+(\.\w+)*:\w+")


@runtime_checkable
class Arena(Protocol):
    """What every arena has. A third track brings a class of its own with these, and nobody tests which it is."""

    track: ClassVar[str]  # a name in TRACKS of methods, records, harness and board

    @property
    def name(self) -> str:
        """Return its name within the task, like `attention.1`."""

    @property
    def needs(self) -> tuple[str, ...]:
        """Return the families that it takes a reference of each seed from."""

    @property
    def seeds(self) -> tuple[int, ...]:
        """Return the seeds of the references that are ranked."""

    def problems(self, families: Mapping[str, Family], scored: Sequence[str]) -> Iterator[str]:
        """Yield what does not fit its task's families and scored splits: field, what was expected, what came."""


@dataclass(frozen=True)
class Component:
    """An arena of codecs: a part of the references that they simplify."""

    track: ClassVar[str] = "codec"
    component: Literal["attention", "residual"]
    layer: int
    family: str
    alias: str = ""  # its name where the layer goes without saying
    seeds: tuple[int, ...] = RANKED_SEEDS

    @property
    def name(self) -> str:
        """Return its name, like `attention.1`."""
        return self.alias or f"{self.component}.{self.layer}"

    @property
    def needs(self) -> tuple[str, ...]:
        """Return the families that it takes a reference of each seed from."""
        return (self.family,)

    def problems(self, families: Mapping[str, Family], scored: Sequence[str]) -> Iterator[str]:
        """Yield what does not fit the task; see Arena."""
        for name in self.needs:
            layers = families[name].architecture.layers if name in families else self.layer + 1
            if not 0 <= self.layer < layers:
                yield f"layer: expected 0 to {layers - 1}, which family {name} has, got {self.layer}"


class Maskings(ABC):
    """The maskings that explanations are tested on: which tokens of a case are taken away together, and how.

    T tokens, M maskings. Token 0 begins every sequence and is never masked: a query would have nothing to attend to.
    """

    @property
    @abstractmethod
    def kinds(self) -> tuple[str, ...]:
        """Return the kind of each masking, [M], by names that records know: MASKINGS of records/explainer.py."""

    @abstractmethod
    def draw(self, tokens: Integers, rng: np.random.Generator) -> Bools:
        """Return which of a case's tokens [T] each masking takes away, [M, T]."""

    @abstractmethod
    def replaced(self, tokens: Integers, masked: Bools) -> Integers:
        """Return a case's tokens [T] with something neutral in place of those that are `masked` [T], [T'].

        What is predicted after its last token is held against what is predicted after the last of the case's.
        """


@dataclass(frozen=True)
class Explanations:
    """An arena of explainers: a bank of models whose predictions they explain.

    Its seed n stands for the references of seed n of several families, and constructions drawn with seed n.
    """

    track: ClassVar[str] = "explainer"
    needs: tuple[str, ...]  # families that the bank has a reference of each seed from; none if it trains or builds all
    bank: str  # `package.module:function`, which builds the models: a BankBuilder of models/bank.py. A task knows no model
    maskings: Maskings
    cases: Mapping[str, int] = field(hash=False)  # split -> how many sequences are explained, at one position each
    name: str = "explanations"
    seeds: tuple[int, ...] = RANKED_SEEDS

    def problems(self, families: Mapping[str, Family], scored: Sequence[str]) -> Iterator[str]:
        """Yield what does not fit the task; see Arena."""
        if not BANK.fullmatch(self.bank):
            yield f"bank: expected `package.module:function`, got {self.bank!r}"
        if sorted(self.cases) != sorted(scored):
            got = ", ".join(self.cases) or "none"
            yield f"cases: expected a number for each of {', '.join(scored)}, got {got}"
        for name, cases in self.cases.items():
            if cases < 1:
                yield f"cases.{name}: expected at least 1, got {cases}"
