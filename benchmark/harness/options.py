"""What a run may be asked for, the same from the command line, from Python and from a test, checked where it comes in."""

import math
import numbers
from collections.abc import Callable, Iterable, Mapping, Set
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Literal, Self

import numpy as np
import torch
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, NonNegativeInt, PositiveInt, ValidationError
from pydantic_core import ErrorDetails

from simplibench.errors import UsageError
from simplibench.harness.runtime import resolve_device
from simplibench.harness.unit import RunConfig
from simplibench.records import RESULTS

SHORTEST_SECONDS = 0.1
LONGEST_SECONDS = 2_000_000  # 23 days: the system counts what is waited for in milliseconds, in 32 bits
DEFAULT_TIMEOUT = 600.0
FLAGS = {"tasks": "--task", "arenas": "--arena", "seeds": "--seed"}  # of the others, the field's own name


def _whole(value: Any) -> Any:
    """Return numpy's whole numbers as Python's, and leave the rest to be refused: a truth value counts nothing."""
    return int(value) if isinstance(value, numbers.Integral) and not isinstance(value, bool) else value


def _real(value: Any) -> Any:
    """Return every kind of real number as a float; one too large for it is infinite."""
    if not isinstance(value, numbers.Real) or isinstance(value, bool):
        return value
    try:
        return float(value)
    except OverflowError:
        return math.inf


def _seed(value: Any) -> Any:
    """Return the number that a text of digits names."""
    return int(value) if isinstance(value, str) and value.isdecimal() else _whole(value)


def _several(value: Any) -> Any:
    """Return a tuple of what was given as a sequence, an array or a single one; what has no order is refused."""
    if isinstance(value, np.ndarray | torch.Tensor):
        value = value.tolist()
    if value is None or isinstance(value, Mapping | Set | bytes):
        return value
    return tuple(value) if isinstance(value, Iterable) and not isinstance(value, str) else (value,)


def _path(value: Any) -> Any:
    return Path(value) if isinstance(value, str) and value else value


Whole = Annotated[PositiveInt | None, BeforeValidator(_whole)]
Seconds = Annotated[float, Field(ge=SHORTEST_SECONDS, le=LONGEST_SECONDS, allow_inf_nan=False), BeforeValidator(_real)]
Seed = Annotated[NonNegativeInt | Literal["untrained"], BeforeValidator(_seed)]
Names = Annotated[Annotated[tuple[str, ...], Field(min_length=1)] | None, BeforeValidator(_several)]
Seeds = Annotated[Annotated[tuple[Seed, ...], Field(min_length=1)] | None, BeforeValidator(_several)]
Folder = Annotated[Path, BeforeValidator(_path)]


class RunOptions(BaseModel):
    """The options of a run. Each says what it must be; so does the error for what it is not."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    tasks: Names = Field(None, description="the name of a task, or several, or all")
    arenas: Names = Field(None, description="the name of an arena, or several")
    seeds: Seeds = Field(None, description="0, 1, ... or untrained")
    device: Literal["auto", "cpu", "cuda"] = Field("auto", description="auto, cpu or cuda")
    limit: Whole = Field(None, description="a whole number of at least 1")
    jobs: Whole = Field(None, description="a whole number of at least 1")
    output: Folder = Field(RESULTS, description="the path of a folder")
    fresh: bool = Field(False, description="True or False")
    in_process: bool = Field(False, description="True or False")
    timeout: Seconds = Field(
        DEFAULT_TIMEOUT, description=f"a number of seconds, at least {SHORTEST_SECONDS} and at most {LONGEST_SECONDS:,}"
    )

    @classmethod
    def from_python(cls, **values: Any) -> Self:
        """Check arguments. Raises UsageError that names each wrong one, what was expected and what came."""
        return cls.checked(values)

    @classmethod
    def from_command_line(cls, **values: Any) -> Self:
        """Check options, which are named as the user typed them. Raises UsageError likewise."""
        flags = {name: FLAGS.get(name, f"--{name.replace('_', '-')}") for name in cls.model_fields}
        return cls.checked(values, flags, str)

    @classmethod
    def checked(
        cls, values: dict[str, Any], names: Mapping[str, str] = MappingProxyType({}), show: Callable[[Any], str] = repr
    ) -> Self:
        """Check values, which the user knows by other `names`, and which are shown by `show`. Raises UsageError."""
        try:
            return cls(**values)
        except ValidationError as error:
            # Of a wrong value in a sequence the last problem with its place is the value's own.
            problems = sorted(error.errors(), key=_depth)
            wrong = {str(problem["loc"][0]): problem["input"] for problem in problems}
        raise UsageError(
            "; ".join(
                f"{names.get(name, name)} must be {cls.model_fields[name].description}, got {show(value)}"
                for name, value in wrong.items()
            )
        )

    @property
    def config(self) -> RunConfig:
        """Return how units are run. Raises: UsageError for a device that is not there."""
        return RunConfig(
            device=resolve_device(self.device), limit=self.limit, in_process=self.in_process, timeout=self.timeout
        )


def _depth(problem: ErrorDetails) -> int:
    return len(problem["loc"])
