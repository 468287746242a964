"""A bank: the models that explainers explain, and which of them compute the same. Who builds it, an arena names."""

from collections.abc import Callable
from dataclasses import dataclass

from simplibench.models.network import Network
from simplibench.tasks import Explanations, Task


@dataclass(frozen=True)
class Pair:
    """Two models, by name."""

    first: str
    second: str
    kind: str  # "same" for equal functions, else how they differ, by a name that records know


@dataclass(frozen=True)
class Bank:
    """Models by name, and what is asked of them."""

    models: dict[str, Network]
    pairs: list[Pair]  # whose explanations are compared
    masked: list[str]  # the models whose inputs are masked
    disputing: tuple[str, str]  # two models: where they disagree, positions are chosen to be explained


BankBuilder = Callable[[Task, Explanations, int, str], Bank]  # of a task, its arena, a seed and a device
