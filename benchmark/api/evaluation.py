"""`evaluate`, which scores methods from Python."""

from collections.abc import Sequence
from pathlib import Path

from simplibench.api.results import Results
from simplibench.harness.jobs import guests
from simplibench.harness.run import plan, prepare, results, run
from simplibench.harness.runtime import resolve_device
from simplibench.harness.unit import Conditions
from simplibench.methods import Given, require_no_file_running, select
from simplibench.records import SeedName

DEFAULT_TIMEOUT = 600.0


class Quiet:
    """A progress display that shows nothing."""

    def step(self, what: str) -> None:
        """Do nothing."""

    def skip(self, steps: int) -> None:
        """Do nothing."""


def evaluate(
    method: Given | Sequence[Given],
    tasks: str | Sequence[str] | None = None,
    arenas: list[str] | None = None,
    seeds: list[SeedName] | None = None,
    *,
    device: str = "auto",
    limit: int | None = None,
    in_process: bool = False,
    timeout: float = DEFAULT_TIMEOUT,
    output: Path | str = "results",
    fresh: bool = False,
) -> Results:
    """Score methods and return their records, one per entry, arena and reference.

    `method` is a codec or explainer, its class (with the defaults of its fields), a `Submission`, a file, or the name of
    a known method; or a list of these. An object runs in a separate process, as a file does: the process loads the file
    that defines the object's class, and records carry the hash of that file. A class defined in a notebook has no file,
    and is refused. Objects of one file become entries of one submission, with the name of the file's submission if it
    has one.

    `tasks` are names, or "all"; by default a method goes to the first task that has an arena for it. Records are saved
    under `output`. A record that is there, or committed, and still valid is not made again unless `fresh`. With `limit`
    (sentences per split, at most) or `in_process`, records are not ranked. `timeout` is in seconds.

    A method that fails gives a record of status `failed`.

    Raises: UsageError for a method, task, arena or seed that does not exist.
    """
    require_no_file_running("evaluate")
    several = list(method) if isinstance(method, Sequence) and not isinstance(method, str) else [method]
    conditions = Conditions(resolve_device(device), limit, in_process, timeout)
    with guests(conditions) as server:
        units = plan(select(several), tasks, arenas, seeds, conditions, server)
        places = prepare(units, Path(output), fresh)
        run(units, conditions, places, Quiet(), server)
    return Results(results(units, conditions, places))
