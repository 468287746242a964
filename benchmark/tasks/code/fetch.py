"""Fetching of the pinned packages with pip into the cache folder; archives there with the right hash are kept."""

import hashlib
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

from simplibench.errors import DamagedFile, UsageError
from simplibench.files import cache_folder, write_text, writing
from simplibench.tasks.code.manifest import Kind, Package

# --no-binary names the package, since it also holds in the environments that metadata is built in.
PIP_OPTIONS: dict[Kind, str] = {
    "pure-wheel": "--only-binary :all: --platform any --implementation py --abi none --python-version 3.12",
    "platform-wheel": "--only-binary :all: --platform manylinux_2_17_x86_64 --platform manylinux2014_x86_64 "
    "--implementation cp --python-version 3.12",
    "sdist": "--no-binary {name}",
}
MARGIN_BYTES = 50_000_000  # space that pip needs beside the file: its cache, and environments to build metadata in
SHOWN_LINES = 6  # of pip's error


def packages_folder() -> Path:
    """Return the folder of the archives."""
    return cache_folder() / "packages"


def found_hash(path: Path) -> str | None:
    """Return the sha256 of a file, None if there is no such file."""
    if not path.is_file():
        return None
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def require(package: Package, folder: Path) -> Path:
    """Return the package's archive in `folder`, its hash checked.

    Raises: UsageError if the archive is missing, DamagedFile if its hash differs.
    """
    path = folder / package.file
    sha256 = found_hash(path)
    if sha256 is None:
        raise UsageError(f"{package} is not in {folder}; `simplibench data fetch code-python` fetches it")
    if sha256 != package.sha256:
        raise DamagedFile(
            f"{path}: expected sha256 {package.sha256}, found {sha256}; `simplibench data fetch code-python` replaces it"
        )
    return path


def fetch(packages: Iterable[Package], folder: Path, progress: Callable[[Package], object]) -> int:
    """Fetch every package that is not in `folder`; return their number. `progress` is called before each package.

    Raises: DamagedFile if pip got other bytes than those pinned, UsageError if it could not get them.
    """
    fetched = 0
    for package in packages:
        progress(package)
        if found_hash(folder / package.file) != package.sha256:
            _fetch_one(package, folder)
            fetched += 1
    return fetched


def _fetch_one(package: Package, folder: Path) -> None:
    with writing(folder / package.file):
        folder.mkdir(parents=True, exist_ok=True)
        _require_space(package, folder)
        # Inside the folder, so that the finished file is moved by renaming and is never incomplete.
        with tempfile.TemporaryDirectory(dir=folder, prefix=".fetching-") as scratch:
            _download(package, Path(scratch)).replace(folder / package.file)


def _require_space(package: Package, folder: Path) -> None:
    free = shutil.disk_usage(folder).free
    if free < package.bytes + MARGIN_BYTES:
        needed = (package.bytes + MARGIN_BYTES) / 1e6
        raise UsageError(
            f"{package}: no space in {folder}, expected {needed:.1f} MB, found {free / 1e6:.1f} MB; "
            "make room or let SIMPLIBENCH_CACHE name another folder, then give the same command again"
        )


def _download(package: Package, scratch: Path) -> Path:
    """Let pip download the archive into `scratch`; return its path. Raises: DamagedFile or UsageError."""
    requirements = scratch / "requirements.txt"
    write_text(requirements, f"{package.name}=={package.version} --hash=sha256:{package.sha256}\n")
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--require-hashes", "--no-input", "--quiet"]
    options = PIP_OPTIONS[package.kind].format(name=package.name).split()
    finished = subprocess.run(
        [*command, *options, "--requirement", str(requirements), "--dest", str(scratch)],
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        stdin=subprocess.DEVNULL,
    )
    if finished.returncode:
        raise _failure(package, finished.stderr)
    path = scratch / package.file
    sha256 = found_hash(path)
    if sha256 != package.sha256:
        names = ", ".join(sorted(file.name for file in scratch.iterdir() if file != requirements))
        raise _other_bytes(package, sha256 or f"no such file, but {names or 'nothing'}")
    return path


def _other_bytes(package: Package, got: str) -> DamagedFile:
    return DamagedFile(
        f"{package}: expected {package.file} with sha256 {package.sha256}, found {got}; the index gives other bytes "
        "than those pinned: try again, and if it stays so, report it, for the corpus cannot be rebuilt"
    )


def _failure(package: Package, said: str) -> DamagedFile | UsageError:
    """Return the exception for pip's error, with advice."""
    other = re.search(r"Got\s+([0-9a-f]{64})", said)
    if other:
        return _other_bytes(package, other[1])
    if "No module named pip" in said:
        return UsageError(f"{package}: fetching it needs pip in this Python: python -m ensurepip")
    lines = [line for line in said.splitlines() if line.strip() and not line.startswith("WARNING")]
    last = "\n".join(f"  {line}" for line in lines[-SHOWN_LINES:])
    return UsageError(
        f"{package}: pip could not fetch {package.file} (sha256 {package.sha256}); what it said last:\n{last}\n"
        "check the network or pip's settings, then give the same command again; what is fetched stays"
    )
