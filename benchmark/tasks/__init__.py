"""Tasks: what is asked, with splits, cases and arenas. `code` has what tasks on real code are made of."""

from simplibench.tasks.family import Architecture, Family, Recipe
from simplibench.tasks.splits import absent, load_split, load_training
from simplibench.tasks.task import (
    Arena,
    Cases,
    Component,
    Explanations,
    Maskings,
    Role,
    Sequences,
    Split,
    Task,
    Track,
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
    "Track",
    "absent",
    "load_split",
    "load_training",
]
