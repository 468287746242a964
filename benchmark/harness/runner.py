"""The run: prepare the reference on the splits; for each entry fit, run the proxy on every split, measure, save."""

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from itertools import groupby
from pathlib import Path
from types import TracebackType
from typing import Self

from simplibench import records, workspace
from simplibench.errors import MethodFailed
from simplibench.files import require_folder
from simplibench.guest import ForkServer, Guest, InProcess
from simplibench.harness.jobs import Score, one_thread, score_side_by_side
from simplibench.harness.known import delete_records, known_record
from simplibench.harness.memory import enough_memory, lost, ran_out
from simplibench.harness.plan import Described, choose_tasks, plan, require_free_names, sources
from simplibench.harness.progress import SILENT, Progress
from simplibench.harness.track import ArenaContext, Result, Runners
from simplibench.harness.tracks import TRACKS
from simplibench.harness.unit import RunConfig, Unit, manifests_of, record_key
from simplibench.methods import EntryManifest, Manifest, MethodSpec, source_sha256
from simplibench.records import TRACKS as RECORD_TRACKS
from simplibench.records import Record, SeedName, Stored
from simplibench.records.environment import environment
from simplibench.records.manifests import keep_manifests
from simplibench.registry import protocol


class Runner:
    """Scores methods under one configuration into one folder. A context manager: it owns the guests' fork server.

    A record that is in the folder, or committed, and valid is not made again unless `fresh`. `jobs` units at most run
    side by side. `made` is the number of records that the last call of `score` made.
    """

    def __init__(
        self, config: RunConfig, output: Path, *, fresh: bool = False, progress: Progress = SILENT, jobs: int = 1
    ) -> None:
        self.config, self.output, self.fresh, self.progress, self.jobs = config, output, fresh, progress, jobs
        self.known_in: tuple[Path, ...] = (output,) if fresh else (output, workspace.committed())
        self.made = 0
        self._server: ForkServer | None = None
        self._context: tuple[tuple[str, SeedName], ArenaContext] | None = None  # of an arena and reference

    def __enter__(self) -> Self:
        if not self.config.in_process:
            self._server = ForkServer()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._server is not None:
            self._server.__exit__(kind, error, at)

    def under(self, config: RunConfig, output: Path) -> "Runner":
        """Return a runner of the same guests that makes all records anew, under another configuration and elsewhere."""
        runner = Runner(config, output, fresh=True, progress=self.progress, jobs=self.jobs)
        runner._server = self._server
        return runner

    def describe(self, method: str | Path | MethodSpec) -> Manifest:
        """Return what a method's file puts forward, or what is selected of it. Raises: UsageError."""
        ((file, spec),) = sources([method])
        runner, _ = self.method_runners(file, spec)
        manifest = runner.manifest()
        runner.close()
        return manifest

    def plan(
        self,
        methods: Sequence[str | Path | MethodSpec],
        tasks: str | Sequence[str] | None = None,
        arenas: Sequence[str] | None = None,
        seeds: Sequence[SeedName] | None = None,
        *,
        allow_taken_names: bool = False,
    ) -> list[Unit]:
        """Return the units of some methods; without `tasks`, a method goes to the first with an arena for it.

        Raises: UsageError for what does not exist, and for a submission that is called like a method of another file,
        unless taken names are allowed.
        """
        chosen = choose_tasks(tasks)  # first: no file is run for a task that does not exist
        described = [
            Described(file, source_sha256(file), spec, self.describe(spec or file)) for file, spec in sources(methods)
        ]
        units = plan(described, chosen, arenas, seeds)
        if not allow_taken_names:
            require_free_names(units)
        return units

    def score(self, units: Sequence[Unit]) -> list[Stored]:
        """Return the units' records, failed ones included, in the order of the plan; make those that are not there.

        What is saved stays saved, whatever happens next.
        """
        if self.fresh:
            delete_records(units, self.output)
        groups = [list(group) for _, group in groupby(units, key=lambda unit: (unit.arena_name, unit.seed))]
        self.progress.begin(sum(len(unit.entries) * TRACKS[unit.arena.track].steps(unit.task) for unit in units))
        try:
            if min(self.jobs, len(groups)) > 1:
                begin = partial(_score_in_worker, self.config, self.output, self.known_in)
                self.made = score_side_by_side(groups, begin, self.progress, self.jobs)
            else:
                self.made = self.score_here(units)
        finally:
            self.progress.end()
        keep_manifests(manifests_of(units).values(), self.output)
        known = [
            known_record(unit, entry, self.config, self.known_in, statuses=("ok", "failed"))
            for unit in units
            for _, entry in unit.entries
        ]
        return [stored for stored in known if stored is not None]

    def score_here(self, units: Sequence[Unit]) -> int:
        """Score one unit after the other in this process; return how many records were made."""
        try:
            with one_thread():
                return sum(self._score_unit(unit) for unit in units)
        finally:
            self._context = None  # free its memory

    def _score_unit(self, unit: Unit) -> int:
        """Score the entries that have no valid record, save each record as it is made; return how many were made."""
        wanted = [(i, e) for i, e in unit.entries if known_record(unit, e, self.config, self.known_in) is None]
        self.progress.skip((len(unit.entries) - len(wanted)) * TRACKS[unit.arena.track].steps(unit.task))
        if not wanted:
            return 0
        require_folder("output", self.output)  # before the first entry is scored, not after
        context = self.prepare(unit)
        runners = self.method_runners(unit.file, unit.spec)
        try:
            for index, entry in wanted:
                result = self._score_entry(context, runners, unit, entry, index)
                record = make_record(unit, entry, self.config, context, result)
                records.save(self.output, record, result.counts if isinstance(result, Result) else None, context.table)
        finally:
            for runner in runners:
                runner.close()
        return len(wanted)

    def prepare(self, unit: Unit) -> ArenaContext:
        """Load the references and run them on the splits, unless the unit before was of the same arena and reference."""
        name = (unit.arena_name, unit.seed)
        if self._context is None or self._context[0] != name:
            self._context = None  # free its memory first
            with enough_memory(f"{unit.arena_name} on reference {unit.seed}"):
                self._context = name, TRACKS[unit.arena.track].prepare(unit, self.config)
        self._context[1].open()
        return self._context[1]

    def _score_entry(
        self, context: ArenaContext, runners: Runners, unit: Unit, entry: EntryManifest, index: int
    ) -> Result | MethodFailed:
        """Fit an entry, run its proxy on every split and measure. What goes wrong loses this entry, not the run."""
        for runner in runners:
            runner.seconds_left = self.config.timeout
        steps: list[str] = []

        def step(what: str) -> None:
            steps.append(what)
            self.progress.step(f"{entry.label} {what}")

        try:
            return context.score(runners, entry, index, step)
        except MethodFailed as failure:
            return failure
        except (MemoryError, OSError, RuntimeError) as error:
            if not ran_out(error):
                raise
            for runner in runners:  # a message may be half read
                runner.close()
            return lost(entry.label, error)
        finally:
            self.progress.skip(TRACKS[unit.arena.track].steps(unit.task) - len(steps))  # those that a failure left

    def method_runners(self, file: Path, spec: MethodSpec | None = None) -> Runners:
        """Return who encodes and who decodes: two processes, so that a code is all that passes between them."""
        if self.config.in_process:
            here = InProcess(file, self.config.device, spec)
            return here, here
        if self._server is None:
            raise RuntimeError("a Runner has guests only within its `with`")
        encoder, decoder = (Guest(self._server, file, self.config.device, spec) for _ in range(2))
        encoder.seconds_left = decoder.seconds_left = self.config.timeout
        return encoder, decoder


def _score_in_worker(config: RunConfig, output: Path, known_in: tuple[Path, ...], progress: Progress) -> Score:
    """Return what scores units in a worker process; its fork server ends when the process does."""
    runner = Runner(config, output, progress=progress)
    runner.known_in = known_in
    runner.__enter__()  # and never left
    return runner.score_here


def make_record(
    unit: Unit, entry: EntryManifest, config: RunConfig, context: ArenaContext, result: Result | MethodFailed
) -> Record:
    """Return the record of an entry; `result` is what was measured, or why it failed."""
    measured = result if isinstance(result, Result) else None
    return RECORD_TRACKS[entry.track].sealed(
        key=record_key(unit, entry, config),
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        submission=unit.manifest.name,
        track=entry.track,
        control=unit.manifest.control,
        authors=unit.manifest.authors,
        citation=unit.manifest.citation,
        source_sha256=unit.source_sha256,
        entry=entry.label,
        fields=entry.fields,
        task=unit.task.name,
        arena=unit.arena_name,
        seed=unit.seed,
        status="ok" if measured else "failed",
        reason=None if measured else str(result),
        in_process=config.in_process,
        limit=config.limit,
        counts_sha256=measured.counts.sha256() if measured else None,
        ground_sha256=context.table.sha256(),
        protocol=protocol(unit.task, unit.arena.track),
        environment=environment(config.device, in_process=config.in_process),
        **context.facts,
        **(measured.facts if measured else TRACKS[entry.track].failed(entry)),
    )
