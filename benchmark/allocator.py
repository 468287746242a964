"""Keep freed memory for the next tensor instead of giving it back to the system after every operation.

glibc returns blocks of some MiB to the kernel when they are freed, and gets them back page by page, zeroed: a third of
the time of proxies of code-python on a CPU. Where there is no glibc nothing is changed.
"""

import ctypes

TRIM_THRESHOLD, TOP_PAD, MMAP_THRESHOLD = -1, -2, -3  # mallopt's parameters, as in malloc.h
KEPT = 2**30  # bytes free at the heap's end before any is given back
STEP = 2**26  # bytes the heap grows by
OWN_MAPPING = 2**25  # bytes of a block that lies outside the heap: the most that glibc takes


def keep_freed_memory() -> bool:
    """Tell the C library; whether it listens."""
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):  # another C library, or Windows
        return False
    return all(
        mallopt(name, size) for name, size in ((MMAP_THRESHOLD, OWN_MAPPING), (TRIM_THRESHOLD, KEPT), (TOP_PAD, STEP))
    )
