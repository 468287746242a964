"""Methods given as Python objects: which file defines them, and what to take from it in place of its own submission."""

import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from simplibench.errors import UsageError
from simplibench.methods.beside import imports_beside
from simplibench.methods.manifest import Line, Name
from simplibench.methods.method import Method
from simplibench.methods.submission import Submission, require_recordable, run_file, validation_problems

NOT_STATED = "not stated"  # authors and reference of a method whose file has no submission
MANIFEST = ("name", "authors", "reference", "control")
MethodLike = str | Path | Method | type[Method] | Submission


class EntrySpec(BaseModel):
    """One entry: its class by qualified name, and its fields as plain JSON values."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    method: str
    fields: dict[str, Any]


class MethodSpec(BaseModel):
    """A submission made of methods that a file defines. It can be sent to another process, which loads the file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    file: Path
    name: Name
    authors: tuple[Line, ...]
    reference: Line
    control: bool
    entries: tuple[EntrySpec, ...] = Field(min_length=1)


def load_spec(selection: MethodSpec) -> Submission:
    """Run the file and make the entries anew. Raises UsageError that names the file, the class and the field."""
    names = run_file(selection.file)
    try:
        with imports_beside(selection.file):
            entries = tuple(_entry(names, pick, selection.file) for pick in selection.entries)
            submission = Submission(**{name: getattr(selection, name) for name in MANIFEST}, entries=entries)
    except ValidationError as error:
        raise UsageError(f"{selection.file}: {validation_problems(error)}") from None
    require_recordable(submission, selection.file)
    return submission


def select(given: Sequence[MethodLike]) -> list[str | Path | MethodSpec]:
    """What is to be run for methods in any form: names and files as they are, objects as what is taken of their files.

    Objects of one file are entries of one submission; a submission that its file puts forward is that file. Raises
    UsageError where a process of its own could not find a class, where a class needs fields, or where the entries of a
    submission lie in several files.
    """
    found: list[str | Path | MethodSpec] = []
    for new in map(_source, given):
        for place, old in enumerate(found):
            if isinstance(old, MethodSpec) and isinstance(new, MethodSpec) and _alike(old, new):
                picks = old.entries + tuple(pick for pick in new.entries if pick not in old.entries)
                found[place] = old.model_copy(update={"entries": picks})
                break
        else:
            found.append(new)
    return found


def _source(given: MethodLike) -> str | Path | MethodSpec:
    if isinstance(given, str | Path):
        return given
    if isinstance(given, Submission):
        return _submission(given)
    if isinstance(given, Method) or (isinstance(given, type) and issubclass(given, Method)):
        return _selection([_instance(given)])
    raise UsageError(
        f"a method must be a name, a file, a codec or explainer, its class, or a Submission, got {given!r}"
    )


def _alike(old: MethodSpec, new: MethodSpec) -> bool:
    """Whether both are of one file and under one manifest."""
    return old.model_copy(update={"entries": new.entries}) == new


def _submission(given: Submission) -> MethodSpec | Path:
    for module in list(sys.modules.values()):
        if getattr(module, "__file__", None) and vars(module).get("submission") is given:
            return Path(str(module.__file__)).absolute()
    return _selection(given.entries, given)


def _selection(entries: Sequence[Method], manifest: Submission | None = None) -> MethodSpec:
    """The entries as picks of the file they share, under the manifest given, or its own, or one named for the class."""
    homes = {_file(type(entry)) for entry in entries}
    if len(homes) > 1:
        raise UsageError(
            f"the entries of a submission must be defined in one file, got {', '.join(map(str, sorted(homes)))}"
        )
    kind = type(entries[0])
    own = manifest or vars(sys.modules[kind.__module__]).get("submission")
    if not isinstance(own, Submission):
        own = Submission(name=_name(kind), authors=(NOT_STATED,), reference=NOT_STATED, entries=tuple(entries))
    (file,) = homes
    return MethodSpec(
        file=file,
        **{name: getattr(own, name) for name in MANIFEST},
        entries=tuple(EntrySpec(method=type(entry).__qualname__, fields=_fields(entry, file)) for entry in entries),
    )


def _instance(given: Method | type[Method]) -> Method:
    """A class with the defaults of its fields."""
    if isinstance(given, Method):
        return given
    missing = [name for name, field in given.model_fields.items() if field.is_required()]
    if missing:
        example = ", ".join(f"{name}=..." for name in missing)
        raise UsageError(
            f"{given.__name__} has fields without a default: {', '.join(missing)}; give an instance, "
            f"{given.__name__}({example})"
        )
    try:
        return given()
    except TypeError as error:  # abstract
        raise UsageError(f"{given.__name__}: {error}") from None


def _fields(entry: Method, file: Path) -> dict[str, Any]:
    """The entry's fields, which must make it again: texts are compared, as NaN is not equal to itself."""
    try:
        fields = entry.fields()
    except UsageError as error:
        raise UsageError(f"{file}: {error}") from None
    try:
        again = type(entry).model_validate(fields)
    except ValidationError:
        again = None
    if again is None or (again.label, again.fields()) != (entry.label, fields):
        raise UsageError(f"{file}: {entry.label}: its fields, as plain JSON values, must make it again, got {fields}")
    return fields


def _file(kind: type[Method]) -> Path:
    """Where another process finds the class: at the top level of its module's file, as pickle would look for it."""
    module = sys.modules.get(kind.__module__)
    file = getattr(module, "__file__", None)
    if file is None:
        problem = "it was defined in a notebook or an interpreter"
    elif _named(vars(module), kind.__qualname__) is not kind:
        problem = f"it is not what {file} calls so: it was defined in a function, or the file was loaded anew"
    else:
        return Path(file).absolute()
    raise UsageError(
        f"{kind.__qualname__} cannot be run in a process of its own, and recorded with its source: {problem}; write it at "
        "the top level of a file (in a notebook: %%writefile my_method.py) and give the file, or import the class from it"
    )


def _named(names: Mapping[str, Any], qualified: str) -> Any:
    first, *rest = qualified.split(".")
    found = names.get(first)
    for name in rest:
        found = getattr(found, name, None)
    return found


def _entry(names: Mapping[str, Any], pick: EntrySpec, file: Path) -> Method:
    kind = _named(names, pick.method)
    if not (isinstance(kind, type) and issubclass(kind, Method)):
        got = "nothing of that name" if kind is None else f"a {type(kind).__name__}"
        raise UsageError(f"{file}: expected a class {pick.method} of a method at the top level, got {got}")
    try:
        return kind.model_validate(pick.fields)
    except ValidationError as error:
        raise UsageError(f"{file}: {validation_problems(error)}") from None


def _name(kind: type[Method]) -> str:
    """`OneHotAttention` -> `one-hot-attention`."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", kind.__name__).lower()
    return re.sub(r"[^a-z0-9]+", "-", words).strip("-") or "method"
