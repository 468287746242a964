"""A submission: one Python file with codec classes, a validated manifest and the entries to score."""

import hashlib
import importlib.util
import sys
import traceback
from contextvars import ContextVar
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, InstanceOf, ValidationError, field_validator

from simplibench.errors import UsageError
from simplibench.methods.method import Method

_running: ContextVar[Path | None] = ContextVar("_running", default=None)  # the submission's file that is being run
NAME_PATTERN = r"^[a-z0-9]+(-[a-z0-9]+)*$"
Name = Annotated[str, Field(pattern=NAME_PATTERN, max_length=64)]


class Submission(BaseModel):
    """What a file puts forward. `entries` are its methods, all of one track and one part."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Name
    authors: Annotated[tuple[str, ...], Field(min_length=1)]
    reference: str  # the paper or page that describes the method
    entries: Annotated[tuple[InstanceOf[Method], ...], Field(min_length=1)]
    control: bool = False  # shown for orientation, never ranked

    @field_validator("entries")
    @classmethod
    def _distinct(cls, entries: tuple[Method, ...]) -> tuple[Method, ...]:
        labels = [entry.label for entry in entries]
        repeated = sorted({label for label in labels if labels.count(label) > 1})
        if repeated:
            raise ValueError(f"entries must differ, got {', '.join(repeated)} more than once")
        return entries


def load_submission(path: Path | str) -> Submission:
    """Run the file and return its `submission`. Raises UsageError that names the file, the line and what to do."""
    path = Path(path)
    return _submission_in(run_file(path), path)


def run_file(path: Path) -> dict[str, Any]:
    """Run a submission's file; the names it defines. Raises UsageError that names the file, the line and what to do."""
    if not path.is_file():
        raise UsageError(f"{path}: no such file; `simplibench list` shows the methods that can be named without a path")
    outer = _running.set(path)
    try:
        return _run(path)
    except ValidationError as error:
        raise UsageError(f"{path}{_line(error, path)}: {validation_problems(error)}") from None
    except SyntaxError as error:
        raise UsageError(f"{path}:{error.lineno}: syntax error: {error.msg}") from None
    except ModuleNotFoundError as error:
        raise UsageError(
            f"{path}{_line(error, path)}: needs the package {error.name}, which is not installed here; install it beside "
            "simplibench (what baselines need: pip install -e '.[explainers]')"
        ) from None
    except (Exception, SystemExit) as error:
        raise UsageError(f"{path}{_line(error, path)}: raised {type(error).__name__}: {error}") from None
    finally:
        _running.reset(outer)


def require_no_file_running(what: str) -> None:
    """Refuse what a submission's file must not do while it is run: it would run the file again. Raises UsageError."""
    if _running.get():
        raise UsageError(
            f'{what} was called while {_running.get()} was loaded; put it under `if __name__ == "__main__":`'
        )


def _run(path: Path) -> dict[str, Any]:
    """The names a file defines. It stays a module, which pydantic needs to resolve annotations."""
    spec = importlib.util.spec_from_file_location(f"simplibench_submission_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise UsageError(f"{path}: expected a Python file, one that ends in .py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return vars(module)


def _submission_in(names: dict[str, Any], path: Path) -> Submission:
    submission = names.get("submission")
    if not isinstance(submission, Submission):
        got = "nothing of that name" if submission is None else f"a {type(submission).__name__}"
        raise UsageError(f"{path}: expected `submission = Submission(...)` at the top level, got {got}")
    return submission


def _line(error: BaseException, path: Path) -> str:
    """`:12` where the error passed through line 12 of the file, else nothing."""
    file = str(path.absolute())  # as Python names it, however the user did
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == file]
    return f":{lines[-1]}" if lines else ""


def validation_problems(error: ValidationError) -> str:
    """Every problem pydantic found, on one line each: the class, the field, what was expected, what came."""
    return "; ".join(
        f"{error.title}.{'.'.join(map(str, problem['loc']))}: {problem['msg']}, got {problem['input']!r}"
        for problem in error.errors()
    )


def source_sha256(path: Path | str) -> str:
    """The hash that records carry of a submission's file."""
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()
