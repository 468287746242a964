"""The commands, one file each: options on top, what they do below; and how errors end them."""

import gc
import importlib
import io
import os
import signal
import sys
from collections.abc import Iterable
from types import FrameType
from typing import NoReturn

import typer

from simplibench.cli.app import app
from simplibench.errors import SimplibenchError
from simplibench.text import printable_lines

COMMANDS = (  # in the order of `simplibench --help`; a file that is imported adds its command to the application
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


def application(commands: Iterable[str] = COMMANDS) -> typer.Typer:
    """Return the application with some commands: to import the others would take longer than some take to run."""
    for command in commands:
        importlib.import_module(f"simplibench.cli.{command}")
    return app


def main() -> None:
    """Run a command. A user's mistake is one text on standard error and exit code 2, a failure exit code 1."""
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
    """Run it, and write out what it printed while an error can still be told."""
    called = next((word for word in sys.argv[1:] if not word.startswith("-")), "")
    try:
        application([called] if called in COMMANDS else COMMANDS)()
    finally:
        try:
            if sys.stdout is not None:
                sys.stdout.flush()
        except OSError as error:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # Python writes the rest again at its end
            if not isinstance(error, BrokenPipeError):  # who reads has seen enough
                raise


def _write_any_letter() -> None:
    """Names may hold letters that a terminal of another encoding lacks: they are written as escapes."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _leave(text: str, exit_code: int) -> NoReturn:
    print(f"simplibench: {text}", file=sys.stderr)
    raise SystemExit(exit_code) from None


class Interrupted(BaseException):
    """Ctrl-C, by another name than KeyboardInterrupt, which typer answers itself and without a word."""


def _interrupt(signal_number: int, frame: FrameType | None) -> None:
    raise Interrupted
