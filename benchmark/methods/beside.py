"""Let a submission import modules beside its file while its code runs, and hide them from all other code.

The folder is never put on `sys.path`, where a file in it could take the place of any library. Of the modules beside the
file, only those that the submission's hash covers can be imported. Two submissions whose helpers have the same name get
their own each, even in one process.
"""

import sys
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

from simplibench.errors import UsageError
from simplibench.methods.sources import PACKAGE, FreshLoader, Sources, Surroundings


@dataclass
class Loaded:
    """A submission's file that was run, and the modules that its code has imported from beside it."""

    sources: Sources
    modules: dict[str, ModuleType] = field(default_factory=dict)


_LOADED: dict[Path, Loaded] = {}  # by file; as global as `sys.modules`, from which these modules are kept out
_AHEAD: dict[Path, Sources] = {}  # by file, until it is run


class _Finder:
    """Finds the given modules and no others; see importlib.abc.MetaPathFinder."""

    def __init__(self, modules: Mapping[str, ModuleSpec]) -> None:
        self.modules = modules

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        """Return where a module is, or None where the next finder should be asked."""
        return self.modules.get(name)


def find_ahead(file: Path) -> Sources:
    """Return what a submission is made of, and keep its text for when it is run: then no file may be readable any more."""
    sources = _AHEAD[file.absolute()] = Sources.of(file)
    FreshLoader.read_ahead.update({str(path): path.read_bytes() for path in sources.files().values()})
    return sources


@contextmanager
def imports_beside(file: Path, anew: bool = False) -> Iterator[Loaded]:
    """Let code of a submission import the modules beside its file.

    Modules that it imported before are the same objects as then, unless all are to be loaded `anew`.
    """
    file = file.absolute()
    if anew or file not in _LOADED:
        _LOADED[file] = Loaded(_AHEAD.pop(file) if file in _AHEAD else Sources.of(file))
    loaded = _LOADED[file]
    names = {name for name in loaded.sources.modules if not name.startswith(f"{PACKAGE}.")} | loaded.modules.keys()
    others = {name: sys.modules.pop(name) for name in names if name in sys.modules}
    sys.modules.update(loaded.modules)
    finders = _finders(loaded.sources)
    sys.meta_path[:] = [finders[0], *sys.meta_path, finders[1]]
    try:
        yield loaded
    finally:
        sys.meta_path[:] = [finder for finder in sys.meta_path if finder not in finders]
        loaded.modules = {name: sys.modules.pop(name) for name in names if name in sys.modules}
        sys.modules.update(others)


def _finders(sources: Sources) -> tuple[_Finder, _Finder]:
    """Return the finder to ask before all others, and the one to ask after them.

    A folder without `__init__.py` must not hide a library, nor must the file itself: captum.py may well import captum.
    """
    last = {name: spec for name, spec in sources.modules.items() if spec.origin in (None, str(sources.file))}
    first = {name: spec for name, spec in sources.modules.items() if name not in last}
    return _Finder(first), _Finder(last)


def require_covered(sources: Sources, before: Collection[str], names: Mapping[str, Any]) -> None:
    """Refuse a module beside the file that was loaded by other means than an import statement.

    Args:
        sources: The file and the modules that its hash covers.
        before: Names of the modules that were loaded before the file was run.
        names: What the file defines.

    Raises:
        UsageError: Names the module.

    """
    around, covered = Surroundings(sources.file), {path.resolve() for path in sources.files().values()}
    for name, origin in _origins(before, names):
        path = Path(origin)
        dotted = around.dotted(path) if path.is_absolute() else ""
        if dotted and path.resolve() not in covered and (around.find(name) or not _installed(name)):
            raise UsageError(
                f"it loads {path}, which lies beside it, without an import statement, so that the hash in its "
                f"records would not change with it; write `import {dotted}`"
            )


def _origins(before: Collection[str], names: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the name and file of every module loaded since `before`, and of the functions that `names` hold."""
    modules = [module for name, module in list(sys.modules.items()) if name not in before]
    held = list(names.values())
    for module in (*modules, *(value for value in held if isinstance(value, ModuleType))):
        if file := getattr(module, "__file__", None):
            yield module.__name__, str(file)
    for value in held:
        for inside in vars(value).values() if isinstance(value, type) else (value,):
            if isinstance(inside, FunctionType):
                yield inside.__module__ or "", inside.__code__.co_filename


def _installed(name: str) -> bool:
    """Say whether a module is found outside the submission's folder, which may hold installed packages itself."""
    top = name.partition(".")[0]
    finders = [finder for finder in sys.meta_path if not isinstance(finder, _Finder)]
    return any(finder.find_spec(top, None) is not None for finder in finders)
