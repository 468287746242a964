"""Refusal of further processes in a guest, in words: they would hang, or be left behind.

This helps code that means no harm, such as a library with `n_jobs=2`. It does not stop code that wants to get around it.
"""

import errno
import sys
from typing import Any, NoReturn

ADVICE = "a guest is one process and starts no other; keep to one, such as by n_jobs=1 or num_workers=0"
STARTS = frozenset(
    ("os.exec", "os.fork", "os.forkpty", "os.posix_spawn", "os.spawn", "os.system", "pty.spawn", "subprocess.Popen")
)  # names of Python's audit events


def refuse_processes() -> None:
    """Make every later attempt of this process to start another one raise PermissionError with the advice."""
    sys.addaudithook(_refuse_event)
    if sys.platform != "win32":
        import _posixsubprocess  # which multiprocessing and joblib call directly, without an event

        _posixsubprocess.fork_exec = _refuse


def _refuse_event(event: str, arguments: tuple[Any, ...]) -> None:
    if event in STARTS:
        _refuse()


def _refuse(*arguments: Any) -> NoReturn:
    raise PermissionError(errno.EPERM, ADVICE)
