"""What is asked: tasks, their splits and cases. Imports no other room of the package."""

from benchmark.tasks.splits import load_split, load_training
from benchmark.tasks.task import Arena, Architecture, Cases, Family, Recipe, Role, Sequences, Split, Task

__all__ = [
    "Arena",
    "Architecture",
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
