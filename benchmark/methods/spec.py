"""Turn methods given as Python objects into specifications that another process can load from their files."""

import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from simplibench.errors import UsageError
from simplibench.methods.beside import imports_beside
from simplibench.methods.manifest import Citation, Line, Name
from simplibench.methods.method import Method
from simplibench.methods.submission import Submission, require_recordable, run_file, validation_problems

NOT_STATED = "not stated"  # authors and reference of a method whose file has no submission
MANIFEST = ("name", "authors", "citation", "control")
MethodLike = str | Path | Method | type[Method] | Submission


class EntrySpec(BaseModel):
    """The specification of an entry: its class by qualified name, and its fields as plain JSON values."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    method: str
    fields: dict[str, Any]


class MethodSpec(BaseModel):
    """The specification of a submission made of methods that a file defines; it can be sent to another process."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    file: Path
    name: Name
    authors: tuple[Line, ...]
    citation: Citation
    control: bool
    entries: tuple[EntrySpec, ...] = Field(min_length=1)


def load_spec(spec: MethodSpec) -> Submission:
    """Run the file of a specification and return the submission. Raises UsageError that names file, class and field."""
    names = run_file(spec.file)
    try:
        with imports_beside(spec.file):
            entries = tuple(_entry(names, entry, spec.file) for entry in spec.entries)
            submission = Submission(**{name: getattr(spec, name) for name in MANIFEST}, entries=entries)
    except ValidationError as error:
        raise UsageError(f"{spec.file}: {validation_problems(error)}") from None
    require_recordable(submission, spec.file)
    return submission


def _entry(names: Mapping[str, Any], spec: EntrySpec, file: Path) -> Method:
    """Return the entry of a specification; `names` are those that the file defines. Raises UsageError."""
    kind = _find(names, spec.method)
    if not (isinstance(kind, type) and issubclass(kind, Method)):
        got = "nothing of that name" if kind is None else f"a {type(kind).__name__}"
        raise UsageError(f"{file}: expected a class {spec.method} of a method at the top level, got {got}")
    try:
        return kind.model_validate(spec.fields)
    except ValidationError as error:
        raise UsageError(f"{file}: {validation_problems(error)}") from None


def _find(names: Mapping[str, Any], qualified: str) -> Any:
    """Return what a qualified name such as `Outer.Inner` means among names; None for nothing."""
    first, *rest = qualified.split(".")
    value = names.get(first)
    for name in rest:
        value = getattr(value, name, None)
    return value


def select(methods: Sequence[MethodLike]) -> list[str | Path | MethodSpec]:
    """Return what to run for methods in any form: names and files as they are, objects as specifications.

    Objects of one file become entries of one submission. A submission that its file puts forward becomes that file.

    Raises:
        UsageError: Another process could not find a class, a class needs fields, or the entries of a submission lie in
            several files.

    """
    selected: list[str | Path | MethodSpec] = []
    for new in map(_select_single, methods):
        for index, old in enumerate(selected):
            if isinstance(old, MethodSpec) and isinstance(new, MethodSpec) and _differ_in_entries_only(old, new):
                entries = old.entries + tuple(entry for entry in new.entries if entry not in old.entries)
                selected[index] = old.model_copy(update={"entries": entries})
                break
        else:
            selected.append(new)
    return selected


def _differ_in_entries_only(old: MethodSpec, new: MethodSpec) -> bool:
    """Say whether two specifications have the same file and manifest."""
    return old.model_copy(update={"entries": new.entries}) == new


def _select_single(method: MethodLike) -> str | Path | MethodSpec:
    """Return what to run for one method; see `select`."""
    if isinstance(method, str | Path):
        return method
    if isinstance(method, Submission):
        for module in list(sys.modules.values()):
            if getattr(module, "__file__", None) and vars(module).get("submission") is method:
                return Path(str(module.__file__)).absolute()
        return _spec(method.entries, method)
    if isinstance(method, Method) or (isinstance(method, type) and issubclass(method, Method)):
        return _spec([_instance(method)])
    raise UsageError(
        f"a method must be a name, a file, a codec or explainer, its class, or a Submission, got {method!r}"
    )


def _spec(entries: Sequence[Method], submission: Submission | None = None) -> MethodSpec:
    """Return the specification of entries, under the manifest of a submission.

    Without one, it is that of the file that they share, or if that has none, one named for the first entry's class.
    """
    files = {_file(type(entry)) for entry in entries}
    if len(files) > 1:
        raise UsageError(
            f"the entries of a submission must be defined in one file, got {', '.join(map(str, sorted(files)))}"
        )
    (file,) = files
    kind = type(entries[0])
    manifest = submission or vars(sys.modules[kind.__module__]).get("submission")
    if not isinstance(manifest, Submission):
        manifest = Submission(name=_name(kind), authors=(NOT_STATED,), citation=NOT_STATED, entries=tuple(entries))
    return MethodSpec(
        file=file,
        **{name: getattr(manifest, name) for name in MANIFEST},
        entries=tuple(EntrySpec(method=type(entry).__qualname__, fields=_fields(entry, file)) for entry in entries),
    )


def _instance(method: Method | type[Method]) -> Method:
    """Return a method as it is, or a class with its fields' defaults. Raises UsageError where a field has none."""
    if isinstance(method, Method):
        return method
    missing = [name for name, field in method.model_fields.items() if field.is_required()]
    if missing:
        example = ", ".join(f"{name}=..." for name in missing)
        raise UsageError(
            f"{method.__name__} has fields without a default: {', '.join(missing)}; give an instance, "
            f"{method.__name__}({example})"
        )
    try:
        return method()
    except TypeError as error:  # abstract
        raise UsageError(f"{method.__name__}: {error}") from None


def _fields(entry: Method, file: Path) -> dict[str, Any]:
    """Return an entry's fields as JSON values. Raises UsageError where they do not make an equal entry."""
    try:
        fields = entry.fields()
    except UsageError as error:
        raise UsageError(f"{file}: {error}") from None
    try:
        again = type(entry).model_validate(fields)
    except ValidationError:
        again = None
    # The fields are compared as texts, since NaN is not equal to itself.
    if again is None or (again.label, again.fields()) != (entry.label, fields):
        raise UsageError(f"{file}: {entry.label}: its fields, as plain JSON values, must make it again, got {fields}")
    return fields


def _file(kind: type[Method]) -> Path:
    """Return the file in which another process finds a class, at the top level. Raises UsageError where it could not."""
    module = sys.modules.get(kind.__module__)
    file = getattr(module, "__file__", None)
    if file is None:
        problem = "it was defined in a notebook or an interpreter"
    elif _find(vars(module), kind.__qualname__) is not kind:
        problem = f"it is not what {file} calls so: it was defined in a function, or the file was loaded anew"
    else:
        return Path(file).absolute()
    raise UsageError(
        f"{kind.__qualname__} cannot be run in a process of its own, and recorded with its source: {problem}; write it at "
        "the top level of a file (in a notebook: %%writefile my_method.py) and give the file, or import the class from it"
    )


def _name(kind: type[Method]) -> str:
    """Return a class's name as that of a submission: `OneHotAttention` -> `one-hot-attention`."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", kind.__name__).lower()
    return re.sub(r"[^a-z0-9]+", "-", words).strip("-") or "method"
