"""Files that are whole or not there: every write of the package goes through here, and what stops one is told here."""

import errno
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import platformdirs

from simplibench.errors import UnwritableFile, UsageError

NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)  # the disk is full, or the user's share of it
PROBE_BYTES = 4_096  # a full disk may still take an empty file


def write_text(path: Path, text: str) -> None:
    """Write a file of UTF-8, whole or not at all. Raises UnwritableFile."""
    write_bytes(path, text.encode(errors="backslashreplace"))


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file, whole or not at all. Raises UnwritableFile."""
    write_atomically(path, lambda temporary: temporary.write_bytes(content))


def write_atomically(path: Path, write: Callable[[Path], object]) -> None:
    """Let `write` fill a temporary file beside `path`, then put it in place; after a kill `path` is as it was.

    Raises:
        UnwritableFile: An OSError of the folder, the disk or `write`, in words.

    """
    with writing(path):
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


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Put an OSError of what is done to `path` into words. Raises UnwritableFile."""
    try:
        yield
    except OSError as error:
        problem = error.strerror or str(error)
        raise UnwritableFile(f"{path}: cannot be written ({problem}); {_advice(error, path, 'file')}") from None


def require_folder(what: str, folder: Path) -> None:
    """Try whether files can be written into a folder, or where it would be made; `what` names it to the user.

    Raises:
        UsageError: None can: the folder is a file, takes none, or its disk is full.

    """
    error = _refusal(folder)
    if error:
        problem = "it is no folder" if folder.exists() and not folder.is_dir() else error.strerror
        raise UsageError(
            f"{what} {folder}: no file can be written there ({problem}); {_advice(error, folder, 'folder')}"
        )


def require_file(what: str, file: Path) -> None:
    """Try the same of a single file that is to be written. Raises UsageError."""
    error = OSError(errno.EISDIR, os.strerror(errno.EISDIR)) if file.is_dir() else _refusal(file.parent)
    if error:
        raise UsageError(f"{what} {file}: cannot be written ({error.strerror}); {_advice(error, file, 'file')}")


def cache_folder() -> Path:
    """Return the user's cache folder for simplibench, or the one that SIMPLIBENCH_CACHE names.

    Raises:
        UsageError: No folder is named, and the user has no home folder to keep one in.

    """
    named = os.environ.get("SIMPLIBENCH_CACHE")
    if named:
        return Path(named)
    with suppress(RuntimeError):  # of an unknown user; older platformdirs leave the "~" as it is
        folder = platformdirs.user_cache_path("simplibench")
        if folder.is_absolute():
            return folder
    raise UsageError(
        "there is no folder for what is kept between runs: HOME is not set and this user has no home folder; "
        "let SIMPLIBENCH_CACHE name a folder that can be written"
    )


def require_home(what: str) -> None:
    """Raises UsageError where the user has no home folder, which a library of `what` asks for when it is loaded."""
    try:
        Path.home()
    except RuntimeError:
        raise UsageError(f"{what} need a home folder, and this user has none; let HOME name a folder") from None


def _refusal(folder: Path) -> OSError | None:
    """Return what keeps a file of some bytes from being written into a folder, or into the nearest there is above it."""
    try:
        while not folder.exists():
            folder = folder.parent
        with tempfile.TemporaryFile(dir=folder) as probe:
            probe.write(bytes(PROBE_BYTES))
    except OSError as error:
        return error
    return None


def _advice(error: OSError, path: Path, kind: str) -> str:
    """Say what to do, which the cache's owner can do by a variable alone."""
    elsewhere = f"name a {kind} elsewhere"
    with suppress(UsageError):  # of a user without a cache
        if path.is_relative_to(cache_folder()):
            elsewhere = "let SIMPLIBENCH_CACHE name another folder"
    return f"make room or {elsewhere}, then give the same command again" if error.errno in NO_ROOM else elsewhere
