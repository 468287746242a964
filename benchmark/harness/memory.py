"""Memory that runs out in this process, which holds the reference and measures: whose error says so, and what is lost."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from simplibench.errors import MethodFailed, SimplibenchError

ALLOCATORS = ("DefaultCPUAllocator", "not enough memory")  # what torch's errors on a CPU say, of no class of their own
CURE = "give fewer --jobs, or a smaller --limit to see whether it runs at all"


class NotEnoughMemory(SimplibenchError):
    """An arena does not fit into this machine's memory."""


def ran_out(error: Exception) -> bool:
    """Return whether an error says that there was no memory: Python's and numpy's, torch's, the system's."""
    if isinstance(error, OSError):
        return error.errno == errno.ENOMEM
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return isinstance(error, RuntimeError) and any(name in str(error) for name in ALLOCATORS)


def lost(entry: str, error: Exception) -> MethodFailed:
    """Return the failure of an entry that could not be measured for want of memory."""
    said = str(error).strip().partition("\n")[0] or type(error).__name__
    return MethodFailed(
        entry, "to be measured in the memory there is", f"too little of it in this process ({said}); {CURE}"
    )


@contextmanager
def enough_memory(what: str) -> Iterator[None]:
    """Put an allocation error into words. Raises NotEnoughMemory."""
    try:
        yield
    except (MemoryError, OSError, RuntimeError) as error:
        if not ran_out(error):
            raise
        raise NotEnoughMemory(f"{what}: there was not enough memory; {CURE}") from None
