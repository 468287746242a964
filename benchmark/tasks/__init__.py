"""Tasks: what is asked, with splits, cases and arenas. `code` has what tasks on real code are made of."""

from simplibench.tasks.arena import Arena, Component, Explanations, Maskings
from simplibench.tasks.family import Architecture, Family, Recipe
from simplibench.tasks.splits import absent, load_split, load_training
from simplibench.tasks.task import (
    Cases,
    Role,
    Sequences,
    Split,
    Task,
)

__all__ = [
    "Architecture",
    "Arena",
    "Cases",
    "Component",
    "Explanations",
    "Family",
    "Maskings",
    "Recipe",
    "Role",
    "Sequences",
    "Split",
    "Task",
    "absent",
    "load_split",
    "load_training",
]
