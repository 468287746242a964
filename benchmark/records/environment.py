"""Describe where a record is made: hardware, software, and the state of the checkout."""

import contextlib
import os
import platform
import subprocess
from collections.abc import Iterable
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import torch

from simplibench import workspace
from simplibench.guest import sandbox
from simplibench.records import Environment

PACKAGES = ("simplibench", "torch", "numpy", "scikit-learn", "pydantic", "safetensors")
MADE = ("benchmark/records/committed", "leaderboard.md", "docs")  # what runs write: no change of the code


def environment(device: str, *, in_process: bool) -> Environment:
    """Return what a record says of where it was made; `device` is cpu or cuda."""
    hardware = torch.cuda.get_device_name() if device == "cuda" else _processor()
    where = workspace.checkout()
    commit, clean = state(where) if where else (None, None)
    return Environment(
        device=device,
        hardware=f"{hardware}, {os.cpu_count()} logical cores",
        threads=torch.get_num_threads(),
        python=platform.python_version(),
        packages=_installed(PACKAGES),
        torch_build=torch.__version__ + (f", CUDA {torch.version.cuda}" if torch.version.cuda else ""),
        commit=commit,
        clean=clean,
        sandbox=sandbox.NONE if in_process else sandbox.enforced(),
    )


def _installed(names: Iterable[str]) -> dict[str, str]:
    """Return the versions of the packages that are installed: only baselines need scikit-learn."""
    versions = {}
    for name in names:
        with contextlib.suppress(PackageNotFoundError):
            versions[name] = version(name)
    return versions


@lru_cache(maxsize=4)
def state(root: Path) -> tuple[str | None, bool | None]:
    """Return the commit checked out at `root`, and whether its tracked files are as committed; None without git."""
    if not (root / ".git").exists():
        return None, None
    commit = _git(root, "rev-parse", "HEAD")
    without = [f":(exclude){path}" for path in MADE]
    changes = _git(root, "status", "--porcelain", "--untracked-files=no", "--", ".", *without)
    return (commit, changes == "") if commit else (None, None)


def _git(root: Path, *arguments: str) -> str | None:
    """Return what a git command prints; None where it fails."""
    try:
        finished = subprocess.run(
            ["git", "-C", str(root), *arguments], capture_output=True, encoding="utf-8", check=True, timeout=60
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return finished.stdout.strip()


def _processor() -> str:
    """Return the processor's name; platform.processor() is empty on many systems."""
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
