"""The sandbox of a guest: what is taken from a process before it runs a submission's file, and again before it encodes.

A guest reads libraries and the submission's own source files; a codec's reads no file once rows are encoded. It writes
nothing, opens no socket, starts no process and signals none; its memory is bounded. Nothing of it can be undone from inside.
"""

import contextlib
import ctypes
import os
import resource
import sys
from collections.abc import Collection, Iterable
from functools import lru_cache
from pathlib import Path

import simplibench
from simplibench import workspace
from simplibench.guest import landlock, seccomp

NONE = "none"
PACKAGE = Path(simplibench.__file__).resolve().parent
# What a submission is scored with or against, within folders that are read for their code.
HIDDEN = frozenset(
    path.resolve()
    for path in (PACKAGE / "models" / "checkpoints", PACKAGE / "records" / "committed", workspace.committed())
)
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
    readable, listed = _libraries()
    landlock.allow_reading_only([*readable, *SINGLE_FILES, *sources, *_device_files(device)], listed)
    _drop_capabilities()
    seccomp.refuse_calls()


def close_files() -> None:
    """Close all files to an enclosed process: what a submission needs of them, it has loaded."""
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


def _libraries() -> tuple[list[Path], list[Path]]:
    """Return what is readable of the interpreter and of what is installed, and the folders that something is hidden in.

    Of these the names are read too: Python looks for modules there.
    """
    entries = (
        Path(sys.base_prefix) / "lib",
        Path(sys.prefix) / "lib",
        Path(simplibench.baselines.__file__).parent,
        PACKAGE,
    )
    on_path = (Path(entry) for entry in sys.path if entry and Path(entry).is_dir())
    unseen = [*entries, *on_path, *SYSTEM]
    readable: list[Path] = []
    listed: list[Path] = []
    while unseen:
        folder = unseen.pop().resolve()  # what a link leads to is what a rule is about
        if folder in HIDDEN:
            continue
        if folder.is_dir() and any(hidden.is_relative_to(folder) for hidden in HIDDEN):
            listed.append(folder)
            unseen += folder.iterdir()
        else:
            readable.append(folder)
    return readable, listed


def _device_files(device: str) -> list[Path]:
    """Return what a GPU is reached through. It has not been tried on one."""
    if device == "cpu":
        return []
    return [*Path("/dev").glob("nvidia*"), Path("/proc/driver/nvidia"), Path("/sys/module/nvidia")]


def _drop_capabilities() -> None:
    """Give up what root may do beyond its own files."""
    header = (ctypes.c_uint32 * 2)(CAPABILITIES_VERSION, 0)
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.capset(header, (ctypes.c_uint32 * 6)()):
        raise OSError(ctypes.get_errno(), "the kernel refuses to drop capabilities")
