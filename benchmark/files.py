"""Files that are whole or not there: every write of the package goes through here."""

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

import platformdirs


def write_atomically(path: Path, write: Callable[[Path], object]) -> None:
    """Let `write` fill a temporary file beside `path`, then put it in place; after a kill `path` is as it was."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
    os.close(handle)
    temporary = Path(name)
    try:
        write(temporary)
        os.chmod(temporary, 0o644)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def cache_folder() -> Path:
    """The user's cache folder for simplibench, or the one that SIMPLIBENCH_CACHE names."""
    named = os.environ.get("SIMPLIBENCH_CACHE")
    return Path(named) if named else platformdirs.user_cache_path("simplibench")
