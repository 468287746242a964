"""Proxies as tests name them, and what is measured of them, once per session."""

import tempfile
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from simplibench.errors import UsageError
from simplibench.harness.again import compared, units_again
from simplibench.harness.options import RunOptions
from simplibench.harness.runner import Runner
from simplibench.harness.runtime import resolve_device
from simplibench.harness.unit import RunConfig, Unit
from simplibench.methods import Manifest
from simplibench.pool import default_jobs
from simplibench.records import SeedName, Stored
from simplibench.registry import find_arenas, find_method, load_task

T = TypeVar("T")


@dataclass(frozen=True)
class Target:
    """A submission in one arena on one reference, and how it is scored again."""

    file: Path
    named: str  # as the test names it
    arena: str  # with its task
    seed: SeedName
    entry: str | None  # the label of the only one asked for
    sentences: int | None  # per split that are compared; None: as many as `simplibench check`
    device: str
    in_process: bool
    timeout: float


class Measuring:
    """Scores targets again, each once. A context manager: it holds a folder and the runners, with their guests."""

    def __init__(self) -> None:
        self._resources = ExitStack()
        self._folder = Path(self._resources.enter_context(tempfile.TemporaryDirectory()))
        self._runners: dict[bool, Runner] = {}  # by whether methods run in this process; others are made under these
        self._manifests: dict[Path, Manifest] = {}
        self._made: dict[tuple[Target, int | None], list[Stored]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._resources.__exit__(kind, error, at)

    def manifest(self, target: Target) -> Manifest:
        """Return what the file puts forward. Raises: UsageError."""
        if target.file not in self._manifests:
            self._manifests[target.file] = self._runner(target, _config(target, None, None)).describe(target.file)
        return self._manifests[target.file]

    def labels(self, target: Target) -> frozenset[str]:
        """Return the entries asked for. Raises: UsageError for an entry that the submission has not."""
        labels = [entry.label for entry in self.manifest(target).entries]
        if target.entry is None:
            return frozenset(labels)
        if target.entry not in labels:
            raise UsageError(f"{target.named} has no entry {target.entry}; there are: {', '.join(labels)}")
        return frozenset({target.entry})

    def again(self, target: Target, limit: int | None) -> list[Stored]:
        """Return its entries' records, made again as those of a `--limit` were, or as whole ones."""
        if (target, limit) not in self._made:
            runner = self._runner(target, self.config(target, limit))
            self._made[target, limit] = runner.score(self.units(target))
        return self._made[target, limit]

    def units(self, target: Target) -> list[Unit]:
        """Return the place as a run knows it. Raises: UsageError for an arena or a reference that does not exist."""
        wanted = {(target.arena, target.seed): self.labels(target)}
        return units_again(self._runner(target, self.config(target, None)), target.file, wanted)

    def config(self, target: Target, limit: int | None) -> RunConfig:
        """Return that of records made with a `--limit` or without, but for the sentences that are compared."""
        return _config(target, limit, compared(self.manifest(target).entries[0].track, target.sentences))

    def _runner(self, target: Target, config: RunConfig) -> Runner:
        """Return a runner with a new folder. Those of a session share one fork server."""
        if target.in_process not in self._runners:
            runner = Runner(config, self._folder, jobs=default_jobs(config.device))
            self._runners[target.in_process] = self._resources.enter_context(runner)
        return self._runners[target.in_process].under(config, Path(tempfile.mkdtemp(dir=self._folder)))


def _config(target: Target, limit: int | None, sentences: int | None) -> RunConfig:
    return RunConfig(
        device=resolve_device(target.device),
        limit=limit,
        in_process=target.in_process,
        timeout=target.timeout,
        compared=sentences,
    )


def find_target(
    *,
    submission: str | Path,
    arena: str,
    seed: SeedName,
    entry: str | None,
    sentences: int | None,
    device: str,
    in_process: bool,
    timeout: float,
) -> Target:
    """Return where a test wants a submission. Raises: UsageError for what does not exist, or is no value of its kind."""
    values = {"arenas": arena, "seeds": seed, "limit": sentences}
    given = values | {"device": device, "in_process": in_process, "timeout": timeout}
    asked = RunOptions.checked(given, {"arenas": "arena", "seeds": "seed", "limit": "sentences"})
    arena, seed = _single("arena", asked.arenas), _single("seed", asked.seeds)
    task, slash, name = arena.partition("/")
    if not slash:
        raise UsageError(f"arena must name its task too, such as dyck-20-10/attention.1, got {arena!r}")
    find_arenas(load_task(task), [name])
    return Target(
        file=find_method(submission),
        named=str(submission),
        arena=arena,
        seed=seed,
        entry=entry,
        sentences=asked.limit,
        device=asked.device,
        in_process=asked.in_process,
        timeout=asked.timeout,
    )


def _single(name: str, given: tuple[T, ...] | None) -> T:
    """Return the only value. Raises: UsageError for several."""
    if given is None or len(given) > 1:
        raise UsageError(f"{name} must be a single one, got {given}")
    return given[0]
