"""Splits on disk: generated once, kept in the user's cache folder under their content hash, checked at every load."""

import sys
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import load_file, save

from simplibench.errors import DamagedFile, UsageError
from simplibench.files import cache_folder, require_folder, write_bytes
from simplibench.tasks.task import TRAINING, Cases, Integers, Sequences, Split, Task, content_hash


@lru_cache(maxsize=32)
def load_split(task: Task, name: str) -> Split:
    """Return a split, from the cache or generated. Raises UsageError for a name the task does not have."""
    if name not in task.roles:
        raise UsageError(f"{task.name} has no split {name}; there are: {', '.join(task.roles)}")
    arrays = _load(task, name)
    strata = {key.removeprefix("strata."): labels for key, labels in arrays.items() if key.startswith("strata.")}
    cases = Cases(arrays["sequence"], arrays["position"], arrays["target"], strata)
    return Split(name, task.roles[name], Sequences(arrays["tokens"], arrays["offsets"]), cases)


def load_training(task: Task) -> Sequences:
    """Return the training sequences, from the cache or generated."""
    arrays = _load(task, TRAINING)
    return Sequences(arrays["tokens"], arrays["offsets"])


def _load(task: Task, name: str) -> dict[str, Integers]:
    path = _path(task, name)
    if not path.exists():
        _require_present(task, name)
        generate(task)
    try:
        arrays = load_file(path)
        if content_hash(arrays) == task.hashes[name]:
            return arrays
        problem = "its content does not match its hash"
    except (OSError, SafetensorError) as error:
        problem = str(error)
    print(f"{path}: damaged cache file ({problem}); generating it anew", file=sys.stderr)
    _require_present(task, name)
    generate(task)
    return load_file(path)


def _path(task: Task, name: str) -> Path:
    return cache_folder() / "splits" / task.name / f"{name}-{task.hashes.get(name, 'unpinned')}.safetensors"


def _require_present(task: Task, name: str) -> None:
    if name in task.missing():
        raise UsageError(f"{task.name}: {name} cannot be built: {task.missing()[name]}")


def absent(task: Task) -> dict[str, str]:
    """Return the splits, or `training`, that are not in the cache and cannot be built: what is missing, what to do."""
    return {name: problem for name, problem in task.missing().items() if not _path(task, name).exists()}


def stored_sizes(task: Task, name: str) -> tuple[int, int] | None:
    """Count sequences and tokens of a split or of `training` in the cache; None where it is not there, or not whole."""
    path = _path(task, name)
    if not path.exists():
        return None
    try:
        with safe_open(path, framework="numpy") as file:
            shapes = {key: file.get_slice(key).get_shape()[0] for key in ("offsets", "tokens")}
    except (OSError, SafetensorError):
        return None
    return shapes["offsets"] - 1, shapes["tokens"]


def generate(task: Task) -> None:
    """Build the training set and all splits, check each against its pinned hash, and cache them.

    Splits whose data are missing are named on standard error; loading one says what to do.
    """
    require_folder("the folder that splits are kept in,", _path(task, TRAINING).parent)
    for name, problem in task.missing().items():
        print(f"{task.name}: {name} cannot be built: {problem}", file=sys.stderr)
    training, splits = task.build()
    contents: dict[str, Mapping[str, Integers]] = {TRAINING: training.arrays()}
    contents |= {name: split.sequences.arrays() | split.cases.arrays() for name, split in splits.items()}
    check_pins(task, {name: content_hash(arrays) for name, arrays in contents.items()})
    for name, arrays in contents.items():
        tensors = {key: np.ascontiguousarray(values) for key, values in arrays.items()}
        write_bytes(_path(task, name), save(tensors))


def check_pins(task: Task, generated: Mapping[str, str]) -> None:
    """Refuse splits that are not the protocol's. Raises DamagedFile that lists every difference."""
    changed = [
        f"  {name}: pinned {task.hashes.get(name, 'nothing')}, generated {generated.get(name, 'nothing')}"
        for name in sorted(generated.keys() | task.hashes.keys() - task.missing().keys())
        if task.hashes.get(name) != generated.get(name)
    ]
    if changed:
        raise DamagedFile(
            f"{task.name}: generated splits differ from those of protocol {task.protocol}:\n"
            + "\n".join(changed)
            + "\n"
            "If the change is meant, raise `protocol` in the task's file and pin the new hashes; "
            "records of the old protocol will be listed, not ranked."
        )
