"""The sandbox of a guest: what is taken from a process before it runs a submission's file, and again once that has run.

A guest reads libraries and the submission's own source files while the file is run, and no file from then on. It writes
nothing, opens no socket, starts no process and signals none; its memory is bounded. Nothing of it can be undone from inside.
"""

import contextlib
import ctypes
import os
import resource
import sys
from collections.abc import Collection, Iterable, Iterator
from functools import lru_cache
from pathlib import Path

import simplibench
from simplibench import workspace
from simplibench.guest import landlock, seccomp

NONE = "none"
PACKAGE = Path(simplibench.__file__).parent
# What a submission is scored with or against, within folders that are read for their code.
HIDDEN = (PACKAGE / "models" / "checkpoints", PACKAGE / "records" / "committed", workspace.committed())
SYSTEM = tuple(map(Path, ("/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib", "/usr/share/zoneinfo")))
SINGLE_FILES = tuple(map(Path, ("/etc/ld.so.cache", "/proc/cpuinfo", "/proc/self/maps", "/dev/null", "/dev/urandom")))
OPEN_FILES = 256
KEPT_NAMES = frozenset(("LANG", "TZ", "LD_LIBRARY_PATH"))
KEPT_PREFIXES = ("LC_", "OMP_", "MKL_", "KMP_", "OPENBLAS_", "CUDA_", "NVIDIA_", "PYTHON", "TORCH_")
CAPABILITIES_VERSION = 0x20080522


@lru_cache(maxsize=1)
def enforced() -> str:
    """Return what the sandbox is made of on this system, as records say it; `none` where the kernel cannot."""
    if landlock.version() and seccomp.architecture():
        return f"landlock {landlock.version()}, seccomp"
    return NONE


def warn_unenclosed() -> None:
    """Say on standard error that nothing encloses guests here, where nothing does."""
    if enforced() == NONE:
        print(
            "nothing encloses a submission's processes on this system (it takes Linux 5.13 or later, on x86_64 or aarch64): "
            "read a stranger's file before you run it; records say `sandbox: none`",
            file=sys.stderr,
        )


def enclose(descriptors: Collection[int], sources: Iterable[Path], device: str) -> None:
    """Enclose this process before it runs a submission whose files are `sources`; only these descriptors stay open.

    Does nothing where `enforced` says `none`. Raises: OSError where the kernel refuses what it can do otherwise.
    """
    _close_all_but(descriptors)
    if enforced() == NONE:
        return
    _bound_resources(device)
    landlock.allow_reading_only([*_libraries(), *SINGLE_FILES, *sources, *_device_files(device)], _parents_of_hidden())
    _drop_capabilities()
    seccomp.refuse_calls()


def close_files() -> None:
    """Take the last files from an enclosed process: what a submission needs of them, it has loaded."""
    if enforced() != NONE:
        landlock.allow_reading_only(())


def environment() -> dict[str, str]:
    """Return the environment that guests are started with: settings of libraries, and nothing else that the user has."""
    return {
        "HOME": "/",
        "MPLCONFIGDIR": "/tmp",  # matplotlib, which captum imports, is not loaded where it thinks it cannot write
        **{name: value for name, value in os.environ.items() if name in KEPT_NAMES or name.startswith(KEPT_PREFIXES)},
    }


def _close_all_but(descriptors: Collection[int]) -> None:
    kept = {0, 1, 2, *descriptors}
    for name in os.listdir("/proc/self/fd" if sys.platform == "linux" else "/dev/fd"):
        if int(name) not in kept:
            with contextlib.suppress(OSError):  # the one that the list was read through
                os.close(int(name))


def _bound_resources(device: str) -> None:
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2
    bounds = {resource.RLIMIT_CORE: 0, resource.RLIMIT_NOFILE: OPEN_FILES, resource.RLIMIT_FSIZE: memory}
    if device == "cpu":  # CUDA reserves addresses for all of a device's memory
        bounds[resource.RLIMIT_DATA] = memory
    for limit, most in bounds.items():
        _, hard = resource.getrlimit(limit)
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(limit, (most, most))


def _libraries() -> Iterator[Path]:
    """Yield the folders of the interpreter and of what is installed, without what is hidden within them."""
    folders = {
        Path(sys.base_prefix) / "lib",
        Path(sys.prefix) / "lib",
        PACKAGE,
        Path(simplibench.baselines.__file__).parent,
    }
    folders |= {Path(entry) for entry in sys.path if entry and Path(entry).is_dir()}
    for folder in (*folders, *SYSTEM):
        yield from _without_hidden(folder)


def _parents_of_hidden() -> set[Path]:
    """Return the folders whose names Python reads to find the modules beside what is hidden."""
    return {parent for hidden in HIDDEN for parent in hidden.parents if parent.is_relative_to(PACKAGE)}


def _without_hidden(folder: Path) -> Iterator[Path]:
    if folder in HIDDEN:
        return
    if any(hidden.is_relative_to(folder) for hidden in HIDDEN) and folder.is_dir():
        for child in folder.iterdir():
            yield from _without_hidden(child)
    else:
        yield folder


def _device_files(device: str) -> list[Path]:
    """Return what a GPU is reached through. It has not been tried on one."""
    return (
        []
        if device == "cpu"
        else [*Path("/dev").glob("nvidia*"), Path("/proc/driver/nvidia"), Path("/sys/module/nvidia")]
    )


def _drop_capabilities() -> None:
    """Give up what root may do beyond its own files."""
    header = (ctypes.c_uint32 * 2)(CAPABILITIES_VERSION, 0)
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.capset(header, (ctypes.c_uint32 * 6)()):
        raise OSError(ctypes.get_errno(), "the kernel refuses to drop capabilities")
