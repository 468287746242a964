"""The commands, one file each, with its options on top and what it does below; and how errors end a command.

Only the command that is called is imported: most need a second or two for what they import, and `--help` should not wait.
"""

import ast
import copy
import gc
import importlib
import io
import os
import signal
import sys
import threading
from collections.abc import Collection
from pathlib import Path
from types import FrameType
from typing import NoReturn

import typer

from simplibench.cli.app import app
from simplibench.errors import SimplibenchError
from simplibench.text import printable_lines

COMMANDS = (  # in the order of `simplibench --help`; each is a file that adds its command to the application
    "list",
    "info",
    "new",
    "validate",
    "run",
    "report",
    "leaderboard",
    "compare",
    "check",
    "verify",
    "rerun",
    "train",
    "study",
    "data",
)
RETRY_SECONDS = 0.05


def application(called: Collection[str] = COMMANDS) -> typer.Typer:
    """Return the application with the commands that are called, and of the others only a line for `--help`."""
    for command in called:
        if command in COMMANDS:
            importlib.import_module(f"simplibench.cli.{command}")
    whole = copy.copy(app)
    whole.registered_commands = [*app.registered_commands]  # `list` is a module of this package
    for command in COMMANDS:
        if f"simplibench.cli.{command}" not in sys.modules:
            whole.command(command, help=_summary(command))(lambda: None)
    return whole


def _summary(command: str) -> str:
    """Return the docstring of a command, which is the first decorated function of its file, read without importing it."""
    tree = ast.parse(Path(__file__).with_name(f"{command}.py").read_bytes())
    functions = (node for node in tree.body if isinstance(node, ast.FunctionDef) and node.decorator_list)
    return ast.get_docstring(next(functions)) or ""


def main() -> None:
    """Run the command that the arguments name, and exit with its code.

    A user's mistake is one text on standard error and exit code 2, a failure exit code 1.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # see guest/host.py; read when torch is loaded
    signal.signal(signal.SIGINT, _interrupt)
    _write_any_letter()
    try:
        _run_command()
    except SimplibenchError as error:
        _leave(printable_lines(str(error)), error.exit_code)
    except Interrupted:
        _leave("interrupted; what is saved stays, the same command goes on from there", 130)
    except MemoryError:
        _leave("there was not enough memory; what is saved stays; try fewer --jobs", 1)
    except OSError as error:  # whatever file it was: those that a run writes say more
        what, problem = error.filename or "standard output, or a temporary file", error.strerror or error
        _leave(f"{what}: {problem}; see that it can be read and written, and that its disk has room", 1)
    finally:
        gc.freeze()  # at its end Python would look through all that is left for garbage: half a second after a board


def _run_command() -> None:
    """Run the command, and flush what it printed while an error can still be reported."""
    called = [word for word in sys.argv[1:] if not word.startswith("-")][:1]
    try:
        application(called)()
    finally:
        try:
            if sys.stdout is not None:
                sys.stdout.flush()
        except OSError as error:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # Python writes the rest again at its end
            if not isinstance(error, BrokenPipeError):  # its reader has seen enough
                raise


def _write_any_letter() -> None:
    """Write letters that the terminal's encoding lacks as escapes: names may have some."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _leave(text: str, exit_code: int) -> NoReturn:
    """Print the text on standard error and exit."""
    print(f"simplibench: {text}", file=sys.stderr)
    raise SystemExit(exit_code) from None


class Interrupted(BaseException):
    """Ctrl-C. It is no KeyboardInterrupt, as typer would handle that itself, without a word."""


def _interrupt(signal_number: int, frame: FrameType | None) -> None:
    """Break the command off; while torch is being loaded, a moment later: an exception in its C++ part aborts Python."""
    spec = getattr(sys.modules.get("torch"), "__spec__", None)
    if getattr(spec, "_initializing", False):
        threading.Timer(RETRY_SECONDS, os.kill, (os.getpid(), signal.SIGINT)).start()
    else:
        raise Interrupted
