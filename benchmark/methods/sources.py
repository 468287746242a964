"""Find the files that a submission is made of: its own, and every module beside it that an import statement names.

They are found by reading, never by running, so the hash of a submission is the same wherever it is computed.
"""

import ast
import hashlib
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib.machinery import (
    EXTENSION_SUFFIXES,
    SOURCE_SUFFIXES,
    ExtensionFileLoader,
    FileFinder,
    ModuleSpec,
    SourceFileLoader,
)
from pathlib import Path
from types import CodeType
from typing import ClassVar

from simplibench import baselines

PACKAGE = "simplibench"
BASELINES, BASELINES_FOLDER = f"{PACKAGE}.baselines", Path(baselines.__file__).parent
# What is always installed: a file of such a name beside a submission is never what it imports.
INSTALLED = sys.stdlib_module_names | {PACKAGE, "numpy", "pydantic", "scipy", "sklearn", "torch"}


class FreshLoader(SourceFileLoader):
    """Loads a module from its source as it is now, never from compiled code, which may be of an older text.

    In a guest the sources are read ahead: a method that imports a helper may be called when no file can be read.
    """

    read_ahead: ClassVar[dict[str, bytes]] = {}

    def get_data(self, path: str) -> bytes:
        """Return the content of a file."""
        ahead = self.read_ahead.get(path)
        return super().get_data(path) if ahead is None else ahead

    def get_code(self, fullname: str) -> CodeType:
        """Return the compiled source."""
        return self.source_to_code(self.get_data(self.path), self.path)


LOADERS = ((ExtensionFileLoader, EXTENSION_SUFFIXES), (FreshLoader, SOURCE_SUFFIXES))


@dataclass(frozen=True)
class Surroundings:
    """The folders to look for modules beside a submission's file in: its folder, and that of its package, if any."""

    file: Path  # absolute

    @cached_property
    def package(self) -> str:
        """Return the package of the file, with dots; empty where its folder is none."""
        folder, names = self.file.parent, list[str]()
        if folder == BASELINES_FOLDER:
            return BASELINES
        while (folder / "__init__.py").is_file():
            names.insert(0, folder.name)
            folder = folder.parent
        return ".".join(names)

    def dotted(self, path: Path) -> str:
        """Return the name by which a module beside the file would be imported; empty where the path is elsewhere."""
        for folder, package in ((BASELINES_FOLDER, BASELINES), (self.file.parent, ""), (self.root, "")):
            if path.is_relative_to(folder):
                parts = [*package.split("."), *path.relative_to(folder).with_suffix("").parts]
                names = [part for part in parts if part and part != "__init__"]
                if names and all(name.isidentifier() for name in names):  # `.venv/lib` is no package
                    return ".".join(names)
        return ""

    @cached_property
    def root(self) -> Path:
        """Return the folder that the file's package lies in; its own folder where it lies in none."""
        return self.file.parents[len(self.package.split(".")) if self.package not in ("", BASELINES) else 0]

    def find(self, name: str) -> ModuleSpec | None:
        """Return where a module beside the file is, by its name with dots; None for one that is installed."""
        above = name.rpartition(".")[0]
        if above:
            parent = self.find(above)
            places = list(parent.submodule_search_locations or ()) if parent else []
            places += [str(BASELINES_FOLDER)] if above == BASELINES else []
        elif name in INSTALLED:
            places = []
        else:
            places = [str(self.file.parent)]
            places += [str(self.root)] if name == self.package.partition(".")[0] else []
        for place in places:
            spec = FileFinder(place, *LOADERS).find_spec(name)
            if spec is not None:
                return spec
        return None


@dataclass(frozen=True)
class Sources:
    """The modules beside a submission's file that its import statements reach, by name."""

    file: Path
    modules: Mapping[str, ModuleSpec]

    @classmethod
    def of(cls, file: Path) -> "Sources":
        """Read the file and, in turn, every module beside it that is imported."""
        around = Surroundings(file.absolute())
        specs: dict[str, ModuleSpec] = {}
        unread = [(around.file, around.package)]
        while unread:
            path, package = unread.pop()
            for name in _imported(path, package):
                for whole in _with_parents(name):
                    spec = None if whole in specs else around.find(whole)
                    if spec is None:
                        continue
                    specs[whole] = spec
                    is_package = spec.submodule_search_locations is not None
                    if spec.origin:
                        unread.append((Path(spec.origin), whole if is_package else whole.rpartition(".")[0]))
        return cls(around.file, specs)

    def files(self) -> dict[str, Path]:
        """Return every file by the name of its module; the name of the submission's own file is empty."""
        named = {name: Path(spec.origin) for name, spec in self.modules.items() if spec.origin}
        return {"": self.file} | {name: path for name, path in named.items() if path != self.file}

    def sha256(self) -> str:
        """Return the hash of the file alone, or where there are several, of their names and hashes."""
        hashes = {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in self.files().items()}
        if len(hashes) == 1:
            return hashes[""]
        lines = "".join(f"{name} {sha256}\n" for name, sha256 in sorted(hashes.items()))
        return hashlib.sha256(lines.encode()).hexdigest()


def source_sha256(path: Path | str) -> str:
    """Return the hash that records carry of a submission: of its file, and of the modules beside it that it imports."""
    return Sources.of(Path(path)).sha256()


def _imported(path: Path, package: str) -> Iterator[str]:
    """Yield the dotted names that a file's import statements may import; none for a file that is no Python source."""
    if path.suffix not in SOURCE_SUFFIXES:
        return
    try:
        tree = ast.parse(path.read_bytes())
    except (SyntaxError, ValueError, RecursionError):  # it cannot be run either
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = _absolute(node, package)
            yield from (f"{module}.{alias.name}" for alias in node.names) if module else ()


def _absolute(node: ast.ImportFrom, package: str) -> str:
    """Return the module of `from ... import`, with leading dots resolved; empty where they lead above the package."""
    if not node.level:
        return node.module or ""
    parts = package.split(".") if package else []
    above = parts[: max(0, len(parts) - (node.level - 1))]
    return ".".join([*above, *([node.module] if node.module else [])]) if above else ""


def _with_parents(name: str) -> list[str]:
    """Return what importing a module loads: `a.b.c` -> a, a.b, a.b.c."""
    parts = name.split(".")
    return [".".join(parts[: end + 1]) for end in range(len(parts))]
