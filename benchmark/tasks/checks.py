"""Checks of a task before anything is done with it: types as `Task` declares them, then what fields must agree on."""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import Any, get_args, get_type_hints

from pydantic import ConfigDict, TypeAdapter, ValidationError

from simplibench.tasks.arena import Arena
from simplibench.tasks.task import TRAINING, Task

NAME = re.compile(r"[a-z0-9]+([.-][a-z0-9]+)*")  # of a task, split, family or arena: a folder or file is called so
RESERVED = ("all",)  # which --task takes for every task
SHOWN = 100  # characters of a value that is wrong
HASH = re.compile(r"[0-9a-f]{64}")
STRICT = ConfigDict(strict=True, arbitrary_types_allowed=True, revalidate_instances="always")
FIELDS: dict[str, Any] = {field: get_args(hint)[0] for field, hint in get_type_hints(Task).items()}  # ClassVar[X] -> X


def problems(task: Task) -> list[str]:
    """Return what does not hold of a task, one problem each: field, what was expected, what came."""
    mistyped = {field: list(_mistyped(task, field)) for field in FIELDS}
    told = [problem for of_field in mistyped.values() for problem in of_field]
    for fields, rule in RULES.items():
        if not any(mistyped[field] for field in fields):
            told += rule(task)
    return told


def _mistyped(task: Task, field: str) -> Iterator[str]:
    """Say where an attribute is missing or not of the type that `Task` declares."""
    try:
        value = getattr(task, field)
    except AttributeError:
        yield f"{field}: expected {_described(FIELDS[field])}, got nothing of that name"
        return
    except Exception as error:  # of a property
        said = " ".join(f"{type(error).__name__}: {error}".split())
        yield f"{field}: expected {_described(FIELDS[field])}, got {said}"
        return
    if field != "arenas" or not isinstance(value, tuple):
        yield from _invalid(FIELDS[field], value, field)
        return
    for index, arena in enumerate(value):  # each by its own type: of a union pydantic tells what every member expects
        place = f"arenas.{index}"
        if isinstance(arena, Arena):
            yield from _invalid(type(arena), arena, place)
        else:
            yield f"{place}: expected an arena, such as Component or Explanations, got {_shown(arena)}"


def _described(kind: Any) -> str:
    return kind.__name__ if isinstance(kind, type) and not get_args(kind) else str(kind).replace("typing.", "")


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 3]}..."


def _invalid(kind: Any, value: object, place: str) -> Iterator[str]:
    """Say where a value, or what it is made of, is of another type."""
    try:
        _validator(kind).validate_python((value,))
    except ValidationError as error:
        for problem in error.errors():
            inside = ".".join([place, *map(str, problem["loc"][1:])])
            expected = problem["msg"].removeprefix("Input should be ")
            yield f"{inside}: expected {expected}, got {_shown(problem['input'])}"


@lru_cache(maxsize=64)
def _validator(kind: Any) -> TypeAdapter[Any]:
    """Return what validates a value in a tuple: a dataclass alone takes no configuration."""
    return TypeAdapter(tuple[kind], config=STRICT)


def _names(task: Task) -> Iterator[str]:
    if not NAME.fullmatch(task.name) or task.name in RESERVED:
        yield f"name: expected lower-case words joined by hyphens, other than {', '.join(RESERVED)}, got {task.name!r}"
    kinds = {
        "roles": list(task.roles),
        "families": [family.name for family in (*task.families, *task.recipes)],
        "arenas": [arena.name for arena in task.arenas],
    }
    for field, names in kinds.items():
        for name, times in Counter(names).items():
            if not NAME.fullmatch(name) or name == TRAINING:
                yield f"{field}: expected lower-case words joined by hyphens, other than {TRAINING}, got {name!r}"
            if times > 1:
                yield f"{field}: expected names that differ, got {name!r} {times} times"


def _numbers(task: Task) -> Iterator[str]:
    for field, value in {
        "protocol": task.protocol,
        "batch_tokens": task.batch_tokens,
        "records_use": task.records_use,
    }.items():
        if value is not None and value < 1:
            yield f"{field}: expected at least 1, got {value}"
    if task.confidence is not None and not 0 < task.confidence < 1:
        yield f"confidence: expected a share between 0 and 1, got {task.confidence}"


def _roles(task: Task) -> Iterator[str]:
    counts = Counter(task.roles.values())
    if counts["fit"] != 1:
        yield f"roles: expected exactly one split of role fit, got {counts['fit']}"
    for role in ("id", "ood"):
        if not counts[role]:
            yield f"roles: expected at least one split of role {role}, got none"


def _hashes(task: Task) -> Iterator[str]:
    """Compare the names pinned with those of the splits; an empty mapping says that nothing is pinned yet."""
    expected = [TRAINING, *task.roles]
    for name, digest in task.hashes.items():
        if name not in expected:
            yield f"hashes: expected one for each of {', '.join(expected)}, got one for {name!r}"
        if not HASH.fullmatch(digest):
            yield f"hashes.{name}: expected 64 hexadecimal digits, got {digest!r}"
    for name in expected if task.hashes else ():
        if name not in task.hashes:
            yield f"hashes: expected one for each of {', '.join(expected)}, got none for {name!r}"


def _candidates(task: Task) -> Iterator[str]:
    candidates = task.candidates
    if len(candidates) < 2 or candidates.step != 1 or candidates.start < 0:
        yield f"candidates: expected at least two token ids one after the other, got {candidates}"
    for family in (*task.families, *task.recipes):
        if candidates.stop > family.architecture.vocabulary:
            expected = f"token ids below {family.architecture.vocabulary}, the vocabulary of family {family.name}"
            yield f"candidates: expected {expected}, got {candidates}"


def _arenas(task: Task) -> Iterator[str]:
    if not task.arenas:
        yield "arenas: expected at least one, got none"
    families = {family.name: family for family in task.families}
    for arena in task.arenas:
        place = f"arenas.{arena.name}"
        for need in arena.needs:
            if need not in families:
                yield f"{place}: expected a family among {', '.join(families) or 'none'}, got {need!r}"
                continue
            family = families[need]
            missing = [seed for seed in arena.seeds if seed not in family.seeds]
            if missing or not arena.seeds:
                yield f"{place}.seeds: expected some of {family.seeds}, which family {need} has, got {arena.seeds}"


def _fitting(task: Task) -> Iterator[str]:
    """Ask each arena what of it does not fit the task."""
    families = {family.name: family for family in task.families}
    scored = [name for name, role in task.roles.items() if role != "fit"]
    for arena in task.arenas:
        yield from (f"arenas.{arena.name}.{problem}" for problem in arena.problems(families, scored))


Rule = Callable[[Task], Iterator[str]]
RULES: Mapping[tuple[str, ...], Rule] = {  # the fields that must be of their type for a rule to be tried
    ("name", "roles", "families", "recipes", "arenas"): _names,
    ("protocol", "batch_tokens", "records_use", "confidence"): _numbers,
    ("roles",): _roles,
    ("roles", "hashes"): _hashes,
    ("candidates", "families", "recipes"): _candidates,
    ("arenas", "families"): _arenas,
    ("arenas", "families", "roles"): _fitting,
}
