"""Hyperparameters as JSON and as a label: equal values give equal texts in every process.

A set has another order in every process, a dict the order in which it was filled: both are sorted here. JSON has no number
for infinity and NaN: they are the texts "Infinity", "-Infinity" and "NaN", which pydantic reads back as numbers.
"""

import math
import re
from collections.abc import Iterable, Sized
from dataclasses import fields as dataclass_fields
from dataclasses import is_dataclass
from typing import Any

from pydantic import BaseModel

from simplibench.errors import UsageError

ALLOWED = "numbers, text, booleans, None, and lists and dicts of these"
ADDRESS = re.compile(r" at 0x[0-9A-Fa-f]+")  # of an object in memory: another one in every process
LONGEST_SHOWN = 80  # characters of a value or label in an error


def json_fields(method: BaseModel) -> dict[str, Any]:
    """Return a method's fields as strict JSON values. Raises UsageError that names the entry and the field."""
    try:
        dumped = method.model_dump(mode="json")
    except (ValueError, TypeError, RecursionError):
        raise _no_json(method) from None
    values: dict[str, Any] = _canonical(method, dumped)
    if ADDRESS.search(text_of(method)):
        raise UsageError(
            f"{_cut(text_of(method))}: a field is shown with its address in memory, which is another one in every process; "
            "give the field's class a `__repr__` that tells its values"
        )
    return values


def text_of(value: Any) -> str:
    """Return what `repr` says, with sets and dicts sorted."""
    if isinstance(value, BaseModel) and type(value).__repr__ is BaseModel.__repr__:
        return _call(type(value).__name__, value.__repr_args__())
    if is_dataclass(value) and not isinstance(value, type):
        named = ((field.name, getattr(value, field.name)) for field in dataclass_fields(value) if field.repr)
        return _call(type(value).__qualname__, named)
    if isinstance(value, dict):
        return "{" + ", ".join(f"{text_of(key)}: {text_of(value[key])}" for key in sorted(value, key=_rank)) + "}"
    if type(value) is list:
        return f"[{_joined(value)}]"
    if isinstance(value, tuple) and (names := getattr(type(value), "_fields", None)):  # a NamedTuple
        return _call(type(value).__name__, zip(names, value, strict=True))
    if isinstance(value, tuple) and type(value).__repr__ is tuple.__repr__:
        return f"({_joined(value)},)" if len(value) == 1 else f"({_joined(value)})"
    if isinstance(value, set | frozenset) and value:
        items = f"{{{_joined(sorted(value, key=_rank))}}}"
        return items if type(value) is set else f"{type(value).__name__}({items})"
    return repr(value)


def _call(name: str, arguments: Iterable[tuple[str | None, Any]]) -> str:
    """Return the text of a call, with arguments by keyword or, where the keyword is None or empty, by position."""
    return f"{name}({', '.join(f'{key}={text_of(item)}' if key else text_of(item) for key, item in arguments)})"


def _joined(values: Iterable[Any]) -> str:
    return ", ".join(map(text_of, values))


def _rank(value: Any) -> tuple[int, float, str]:
    """Return a key that sorts numbers by size, then everything else, NaN too, by its text."""
    return (0, value, "") if isinstance(value, int | float) and value == value else (1, 0, text_of(value))


def _canonical(value: Any, dumped: Any) -> Any:
    """Return what pydantic made of a value, in an order that is the same in every process, without infinity and NaN."""
    number = value if dumped is None else dumped  # for some types pydantic says None in place of infinity
    if isinstance(number, float) and not math.isfinite(number):
        return "NaN" if math.isnan(number) else "Infinity" if number > 0 else "-Infinity"
    if isinstance(dumped, dict):
        items = zip(dumped, _inside(value, dumped), dumped.values(), strict=True)
        made = {name: _canonical(inside, item) for name, inside, item in items}
        return dict(sorted(made.items())) if isinstance(value, dict) else made
    if isinstance(dumped, list):
        pairs = list(zip(_inside(value, dumped), dumped, strict=True))
        if isinstance(value, set | frozenset):
            pairs.sort(key=lambda pair: _rank(pair[0]))
        return [_canonical(inside, item) for inside, item in pairs]
    return dumped


def _inside(value: Any, dumped: Sized) -> list[Any]:
    """Return the values that pydantic made a dict's or list's items of, in its order; None for each where it is unknown."""
    if isinstance(dumped, dict) and (isinstance(value, BaseModel) or is_dataclass(value)):
        return [getattr(value, name, None) for name in dumped]
    alike = isinstance(value, dict) if isinstance(dumped, dict) else isinstance(value, list | tuple | set | frozenset)
    inside = list(value.values() if isinstance(value, dict) else value) if alike else []
    return inside if len(inside) == len(dumped) else [None] * len(dumped)


def _no_json(method: BaseModel) -> UsageError:
    """Return the error that names the first field that cannot be recorded."""
    for name in type(method).model_fields:
        try:
            method.model_dump(mode="json", include={name})
        except (ValueError, TypeError, RecursionError):
            value = getattr(method, name)
            return UsageError(
                f"{_cut(text_of(method))}: the field {name} must hold {ALLOWED}, which a record can say, got a "
                f"{type(value).__name__}, {_cut(repr(value))}; let the field name it, and look it up in the method"
            )
    return UsageError(f"{_cut(text_of(method))}: its fields must hold {ALLOWED}, which a record can say")


def _cut(text: str) -> str:
    """Return a text, or the start of a long one."""
    return text if len(text) <= LONGEST_SHOWN else f"{text[: LONGEST_SHOWN - 3]}..."
