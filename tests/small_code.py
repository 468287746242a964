"""A small corpus of the tests' own writing in three languages, and the task code-python on it."""

import hashlib
import io
import random
import tarfile
import zipfile
from pathlib import Path

from simplibench.tasks.code import Manifest, Package, PinnedPackages, Selection
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


def package_writer(folder: Path):
    """What writes an archive of the given files into a folder, as the package index has it, and pins it."""

    def write(
        name: str,
        files: dict[str, str | bytes],
        group: str = "train",
        language: str = "python",
        kind: str = "pure-wheel",
    ) -> Package:
        folder.mkdir(exist_ok=True)
        contents = {path: text if isinstance(text, bytes) else text.encode() for path, text in files.items()}
        file = f"{name}-1.0.tar.gz" if kind == "sdist" else f"{name}-1.0-py3-none-any.whl"
        (_write_sdist if kind == "sdist" else _write_wheel)(folder / file, name, contents)
        content = (folder / file).read_bytes()
        suffixes = {"python": "py", "java": "java", "javascript": "js", "c": "c"}
        return Package(
            name=name,
            version="1.0",
            sha256=hashlib.sha256(content).hexdigest(),
            file=file,
            bytes=len(content),
            licence="MIT",
            kind=kind,
            selections=(Selection(group=group, language=language, include=(f"**/*.{suffixes[language]}",)),),
        )

    return write


def _write_wheel(path: Path, name: str, contents: dict[str, bytes]) -> None:
    facts = {
        f"{name}-1.0.dist-info/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n".encode(),
        f"{name}-1.0.dist-info/WHEEL": b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{name}-1.0.dist-info/RECORD": b"",
    }
    with zipfile.ZipFile(path, "w") as archive:
        for member, content in (contents | facts).items():
            archive.writestr(member, content)


def _write_sdist(path: Path, name: str, contents: dict[str, bytes]) -> None:
    with tarfile.open(path, "w:gz") as archive:
        for member, content in contents.items():
            entry = tarfile.TarInfo(f"{name}-1.0/{member}")
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))


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


STAND_INS = {"code-python": lambda folder: task_of(packages(package_writer(folder / "index")), folder)}
