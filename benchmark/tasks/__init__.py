"""What is asked: tasks, their splits and cases. Imports no other room of the package."""

from benchmark.tasks.splits import load_split, load_training
from benchmark.tasks.task import Architecture, Arena, Cases, Family, Recipe, Role, Sequences, Split, Task

__all__ = [
    "Architecture",
    "Arena",
    "Cases",
    "Family",
    "Recipe",
    "Role",
    "Sequences",
    "Split",
    "Task",
    "load_split",
    "load_training",
]
