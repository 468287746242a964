"""The commands, thin: names, options and exit codes. Each imports what it needs when it is called."""

import gc
import os
import signal
import sys
from types import FrameType

from simplibench.cli import boards, checking, methods, records, references
from simplibench.cli.app import app
from simplibench.errors import SimplibenchError
from simplibench.text import printable_lines

COMMANDS = (methods, boards, checking, records, references)  # what they define, they have added to the application


def main() -> None:
    """Run a command. A user's mistake is one text on standard error and exit code 2, a failure exit code 1."""
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # see harness/guest.py; read when torch is loaded
    signal.signal(signal.SIGINT, _interrupt)
    try:
        app()
    except SimplibenchError as error:
        print(f"simplibench: {printable_lines(str(error))}", file=sys.stderr)
        raise SystemExit(error.exit_code) from None
    except Interrupted:
        print("simplibench: interrupted; what is saved stays, the same command goes on from there", file=sys.stderr)
        raise SystemExit(130) from None
    finally:
        gc.freeze()  # at its end Python would look through all that is left for garbage: half a second after a board


class Interrupted(BaseException):
    """Ctrl-C, by another name than KeyboardInterrupt, which typer answers itself and without a word."""


def _interrupt(signal_number: int, frame: FrameType | None) -> None:
    raise Interrupted
