"""Proxies as tests name them, and what is measured of them, once a session."""

import tempfile
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from simplibench.api.evaluation import Quiet
from simplibench.errors import UsageError
from simplibench.guest import ForkServer
from simplibench.harness.again import compared, score_again, units_again
from simplibench.harness.options import RunOptions
from simplibench.harness.runtime import resolve_device
from simplibench.harness.scorer import callers
from simplibench.harness.unit import Conditions, Unit
from simplibench.methods import Manifest
from simplibench.records import SeedName, Stored
from simplibench.registry import find_arenas, find_method, load_task

T = TypeVar("T")


@dataclass(frozen=True)
class Place:
    """A submission in one arena on one reference, and how it is scored again."""

    file: Path
    named: str  # as the test names it
    arena: str  # with its task
    seed: SeedName
    entry: str | None  # the label of the only one asked for
    sentences: int | None  # a split that are compared; None: as many as `simplibench check`
    device: str
    in_process: bool
    timeout: float


class Measuring:
    """Scores places again, each once. A context manager: it holds a folder and the process that guests come from."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory()
        self._server: ForkServer | None = None
        self._manifests: dict[Path, Manifest] = {}
        self._made: dict[tuple[Place, int | None], list[Stored]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._server is not None:
            self._server.__exit__(kind, error, at)
        self._folder.cleanup()

    def manifest(self, place: Place) -> Manifest:
        """What the file puts forward. Raises UsageError."""
        if place.file not in self._manifests:
            conditions = Conditions(resolve_device(place.device), None, place.in_process, place.timeout)
            caller, _ = callers(place.file, conditions, self._server_for(place))
            self._manifests[place.file] = caller.manifest()
            caller.close()
        return self._manifests[place.file]

    def labels(self, place: Place) -> frozenset[str]:
        """The entries asked for. Raises UsageError for one that the submission has not."""
        labels = [entry.label for entry in self.manifest(place).entries]
        if place.entry is None:
            return frozenset(labels)
        if place.entry not in labels:
            raise UsageError(f"{place.named} has no entry {place.entry}; there are: {', '.join(labels)}")
        return frozenset({place.entry})

    def again(self, place: Place, limit: int | None) -> list[Stored]:
        """Its entries' records, made again as those of a `--limit` were, or as whole ones."""
        if (place, limit) not in self._made:
            units = self.units(place)
            folder = Path(self._folder.name) / str(len(self._made))
            server = self._server_for(place)
            self._made[place, limit] = score_again(units, self.conditions(place, limit), folder, Quiet(), server)
        return self._made[place, limit]

    def units(self, place: Place) -> list[Unit]:
        """The place as a run knows it. Raises UsageError for an arena or a reference that does not exist."""
        wanted = {(place.arena, place.seed): self.labels(place)}
        return units_again(place.file, wanted, self.conditions(place, None), self._server_for(place))

    def conditions(self, place: Place, limit: int | None) -> Conditions:
        """Those of records made with a `--limit` or without, but for the sentences that are compared."""
        sentences = compared(self.manifest(place).entries[0].track, place.sentences)
        return Conditions(resolve_device(place.device), limit, place.in_process, place.timeout, sentences)

    def _server_for(self, place: Place) -> ForkServer | None:
        if place.in_process:
            return None
        self._server = self._server or ForkServer()
        return self._server


def place(
    submission: str | Path,
    arena: str,
    seed: SeedName,
    entry: str | None,
    sentences: int | None,
    device: str,
    in_process: bool,
    timeout: float,
) -> Place:
    """Where a test wants a submission. Raises UsageError for what does not exist, or is no value of its kind."""
    values = {"arenas": arena, "seeds": seed, "limit": sentences}
    given = values | {"device": device, "in_process": in_process, "timeout": timeout}
    asked = RunOptions.checked(given, {"arenas": "arena", "seeds": "seed", "limit": "sentences"})
    arena, seed = _single("arena", asked.arenas), _single("seed", asked.seeds)
    task, slash, name = arena.partition("/")
    if not slash:
        raise UsageError(f"arena must name its task too, such as dyck-20-10/attention.1, got {arena!r}")
    find_arenas(load_task(task), [name])
    conditions = (asked.limit, asked.device, asked.in_process, asked.timeout)
    return Place(find_method(submission), str(submission), arena, seed, entry, *conditions)


def _single(name: str, given: tuple[T, ...] | None) -> T:
    """Return the only one. Raises UsageError for several."""
    if given is None or len(given) > 1:
        raise UsageError(f"{name} must be a single one, got {given}")
    return given[0]
