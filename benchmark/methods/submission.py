"""A submission: one Python file with codec classes, a validated manifest and the entries to score."""

import importlib.util
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, InstanceOf, ValidationError, field_validator
from pydantic.errors import PydanticSchemaGenerationError

from simplibench.errors import SimplibenchError, UsageError
from simplibench.methods.beside import imports_beside, require_covered
from simplibench.methods.fields import ALLOWED
from simplibench.methods.manifest import Citation, Line, Manifest, Name
from simplibench.methods.method import Method
from simplibench.methods.sources import FreshLoader, Surroundings
from simplibench.text import printable

RELATIVE = "a relative import, but the file lies in no package; of a module beside it write `from my_helper import ...`"
_running: ContextVar[Path | None] = ContextVar("_running", default=None)  # the submission's file that is being run


class Submission(BaseModel):
    """What a file puts forward. `entries` are its methods, all of one track and one part."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Name
    authors: Annotated[tuple[Line, ...], Field(min_length=1)]
    citation: Citation  # the paper or page that describes the method
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

    def manifest(self) -> Manifest:
        """Return what the host is told of it. Raises UsageError that names the entry and field it cannot be told."""
        return Manifest(
            name=self.name,
            authors=self.authors,
            citation=self.citation,
            control=self.control,
            entries=tuple(entry.manifest() for entry in self.entries),
        )


def load_submission(path: Path | str) -> Submission:
    """Run the file and return its `submission`. Raises UsageError that names the file, the line and what to do."""
    path = Path(path)
    submission = _submission_in(run_file(path), path)
    require_recordable(submission, path)
    return submission


def require_recordable(submission: Submission, path: Path) -> None:
    """Refuse what a record could not say. Raises UsageError that names the file, the entry and the field."""
    with _told(path):
        submission.manifest()


def run_file(path: Path) -> dict[str, Any]:
    """Run a submission's file; the names it defines. Raises UsageError that names the file, the line and what to do."""
    if not path.is_file():
        raise UsageError(f"{path}: no such file; `simplibench list` shows the methods that can be named without a path")
    outer = _running.set(path)
    try:
        with _told(path):
            return _run(path)
    finally:
        _running.reset(outer)


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """Turn whatever a submission's code raises into a UsageError that names the file, the line and what to do."""
    try:
        yield
    except SimplibenchError as error:
        raise UsageError(f"{path}{_line(error, path)}: {error}") from None
    except ValidationError as error:
        raise UsageError(f"{path}{_line(error, path)}: {validation_problems(error)}") from None
    except PydanticSchemaGenerationError as error:
        unknown = str(error).partition(". Set")[0]
        raise UsageError(f"{path}{_line(error, path)}: a field must hold {ALLOWED}: {printable(unknown)}") from None
    except SyntaxError as error:
        raise UsageError(f"{error.filename or path}:{error.lineno}: syntax error: {printable(error.msg)}") from None
    except ModuleNotFoundError as error:
        raise UsageError(f"{path}{_line(error, path)}: {_missing(error, path)}") from None
    except ImportError as error:
        text = RELATIVE if "no known parent package" in str(error) else f"raised ImportError: {printable(str(error))}"
        raise UsageError(f"{path}{_line(error, path)}: {text}") from None
    except (Exception, SystemExit) as error:
        raise UsageError(
            f"{path}{_line(error, path)}: raised {type(error).__name__}: {printable(str(error))}"
        ) from None


def _missing(error: ModuleNotFoundError, path: Path) -> str:
    """Say what to do about a module that is not found."""
    name = error.name or ""
    if name and Surroundings(path.absolute()).find(name):
        return (
            f"{name} lies beside it, but no import statement names it, so that its hash would miss it: `import {name}`"
        )
    return (
        f"needs the package {name}, which is not installed here, nor a module beside it; install it beside simplibench "
        "(what baselines need: pip install -e '.[baselines]')"
    )


def require_no_file_running(what: str) -> None:
    """Refuse what a submission's file must not do while it is run: it would run the file again. Raises UsageError."""
    if _running.get():
        raise UsageError(
            f'{what} was called while {_running.get()} was loaded; put it under `if __name__ == "__main__":`'
        )


def _run(path: Path) -> dict[str, Any]:
    """Return the names a file defines. It stays a module, which pydantic needs to resolve annotations."""
    if path.suffix != ".py":
        raise UsageError("expected a Python file, one that ends in .py")
    package = Surroundings(path.absolute()).package
    name = ".".join([*([package] if package else []), f"simplibench_submission_{path.stem}"])
    spec = importlib.util.spec_from_file_location(name, path, loader=FreshLoader(name, str(path)))
    assert spec is not None  # for the type checker: there is a loader
    module = importlib.util.module_from_spec(spec)
    with imports_beside(path, anew=True) as loaded:
        before = set(sys.modules)
        sys.modules[name] = module
        FreshLoader(name, str(path)).exec_module(module)
        require_covered(loaded.sources, before, vars(module))
    loaded.modules[name] = module
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
    """Return every problem pydantic found, on one line each: the class, the field, what was expected, what came."""
    return "; ".join(
        f"{error.title}.{'.'.join(map(str, problem['loc']))}: {problem['msg']}, got {problem['input']!r}"
        for problem in error.errors()
    )
