"""Landlock: from when it is enforced, a process reads the files it was allowed and touches no other; it never ends.

The kernel's own documentation, Documentation/userspace-api/landlock.rst, has the structures and rights; numbers are from
include/uapi/linux/landlock.h. No privilege is needed.
"""

import ctypes
import errno
import os
import sys
from collections.abc import Iterable
from pathlib import Path

CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446  # system calls, the same on every architecture
ASK_VERSION = 1
RULE_PATH_BENEATH = 1
READ_FILE, READ_FOLDER = 1 << 2, 1 << 3
FILE_RIGHTS = {1: 13, 2: 14, 3: 15, 5: 16}  # version of the interface -> how many rights on files it knows
NETWORK_RIGHTS = 0b11  # bind and connect of TCP, from version 4 on
SCOPES = 0b11  # abstract sockets and signals stay within the sandbox, from version 6 on
PR_SET_NO_NEW_PRIVS = 38


class _Ruleset(ctypes.Structure):
    _fields_ = [("files", ctypes.c_uint64), ("network", ctypes.c_uint64), ("scopes", ctypes.c_uint64)]


class _PathRule(ctypes.Structure):
    _pack_ = 1
    _fields_ = [("allowed", ctypes.c_uint64), ("folder", ctypes.c_int32)]


def version() -> int:
    """Return the version of the kernel's interface; 0 where it has none, or has it turned off."""
    if sys.platform != "linux":
        return 0
    answer = int(_libc().syscall(CREATE_RULESET, None, ctypes.c_size_t(0), ctypes.c_uint32(ASK_VERSION)))
    return max(answer, 0)


def allow_reading_only(paths: Iterable[Path], listed: Iterable[Path] = ()) -> None:
    """Restrict this thread, and what it starts, to reading the files and folders `paths`, with all below them.

    Of the folders `listed`, and those below them, the names can be read and no file. Nothing can be written, made, removed
    or run as a program, no TCP port used, and from version 6 on no process outside be signalled. Paths that do not exist
    are left out. Raises: OSError where the kernel refuses.
    """
    known = version()
    rules = _Ruleset(_file_rights(known), NETWORK_RIGHTS if known >= 4 else 0, SCOPES if known >= 6 else 0)
    size = 8 if known < 4 else 16 if known < 6 else 24
    ruleset = _call(CREATE_RULESET, ctypes.byref(rules), ctypes.c_size_t(size), ctypes.c_uint32(0))
    try:
        for path in paths:
            _allow(ruleset, path, READ_FILE | READ_FOLDER if path.is_dir() else READ_FILE)
        for folder in listed:
            _allow(ruleset, folder, READ_FOLDER)
        if _libc().prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0):
            raise OSError(ctypes.get_errno(), "the kernel refuses to rule out new privileges")
        _call(RESTRICT_SELF, ctypes.c_int(ruleset), ctypes.c_uint32(0))
    finally:
        os.close(ruleset)


def _allow(ruleset: int, path: Path, rights: int) -> None:
    try:
        descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        rule = _PathRule(rights, descriptor)
        _call(ADD_RULE, ctypes.c_int(ruleset), ctypes.c_int(RULE_PATH_BENEATH), ctypes.byref(rule), ctypes.c_uint32(0))
    finally:
        os.close(descriptor)


def _file_rights(known: int) -> int:
    """Return every right on files that the kernel knows: what a ruleset names and no rule allows is refused."""
    return int((1 << max(count for since, count in FILE_RIGHTS.items() if since <= known)) - 1)


def _call(number: int, *arguments: object) -> int:
    result = int(_libc().syscall(number, *arguments))
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, f"Landlock: {errno.errorcode.get(code, code)}")
    return result


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)
