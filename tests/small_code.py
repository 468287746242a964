"""A small corpus of the tests' own writing in three languages, and the task code-python on it."""

import random

from simplibench.tasks.code import Manifest, PinnedPackages
from simplibench.tasks.code_python import CodePython
from simplibench.tasks.task import content_hash

WINDOWS = 4
ROLES = {"fit": "fit", "id": "id", "unseen-project": "ood", "java": "ood", "c": "ood"}
BODIES = {
    "python": ("def {name}(self):\n", "    self.{word} = {word} + {number}\n", ""),
    "java": ("int {name}(int x) {{\n", "    int {word} = x + {number};\n", "}}"),
    "c": ("int {name}(int x)\n{{\n", "\tx += {word} - {number};\n", "}}"),
}


def function(language: str, number: int, lines: int = 12) -> str:
    """A function that no other language or number gives."""
    rng = random.Random(f"{language} {number}")
    head, line, tail = BODIES[language]
    middle = "".join(line.format(word=rng.choice("abcdefgh") * 5, number=rng.randrange(10**6)) for _ in range(lines))
    return (head.format(name=f"f{number}") + middle + tail.format()).rstrip("\n")


def module(language: str, numbers) -> str:
    return "\n\n".join(function(language, number) for number in numbers) + "\n"


def packages(package) -> Manifest:
    """Training has 300 functions in two packages; the others repeat some of them, or have a longer twin."""
    alpha = package("alpha", {"a.py": module("python", range(150)), "b.py": module("python", range(100, 200))})
    beta = package("beta", {"z/b.py": module("python", range(200, 300)) + "\ndef short(x):\n    y = x\n    return y\n"})
    twin = function("python", 5) + "\n    return a_different_end"
    repeated = module("python", range(3)).replace("    ", "      ") + "\n\n" + twin + "\n"
    unseen = package("gamma", {"a.py": repeated + "\n" + module("python", range(300, 310))}, group="unseen-project")
    methods = f"class A {{\n{module('java', range(8))}}}"
    delta = package("delta", {"A.java": methods, "B.java": methods}, "java", "java", "sdist")
    epsilon = package("epsilon", {"a.c": module("c", range(6))}, "c", "c", "sdist")
    return Manifest(packages=(alpha, beta, unseen, delta, epsilon))


def task_of(manifest: Manifest, tmp_path, windows: int = WINDOWS, **changes) -> CodePython:
    """A task on these packages, its hashes pinned to what they give."""
    task = CodePython(PinnedPackages(manifest, tmp_path / "index"), windows)
    task.roles = ROLES | changes
    training, built = task.build()
    contents = {"training": training.arrays()}
    contents |= {name: split.sequences.arrays() | split.cases.arrays() for name, split in built.items()}
    task.hashes = {name: content_hash(arrays) for name, arrays in contents.items()}
    return task
