"""`evaluate`: a run from Python."""

from collections.abc import Sequence
from pathlib import Path

from simplibench.api.results import Results
from simplibench.harness.jobs import guests
from simplibench.harness.run import plan, prepare, require_own_names, results, run
from simplibench.harness.runtime import resolve_device
from simplibench.harness.unit import Conditions
from simplibench.methods import Given, require_no_file_running, select
from simplibench.records import SeedName

DEFAULT_TIMEOUT = 600.0


class Quiet:
    """A progress that tells nobody."""

    def step(self, what: str) -> None:
        """Nothing."""

    def skip(self, steps: int) -> None:
        """Nothing."""


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

    A method is a codec or explainer, its class (with the defaults of its fields), a `Submission`, a file, or the name of
    a method that there is; or a list of these. What is given as an object is run, like a file, in processes of its own:
    they load the file that defines its class, whose hash the records carry. A class defined in a notebook has no file,
    and is refused. Objects of one file become entries of one submission, called as the file's own where it has one.

    `tasks` are names, or "all"; without, a method goes to the first task that has an arena for it. Records are saved
    under `output`; one that is there, or committed, and still valid is not made again unless `fresh`. With `limit`
    (sentences of each split, at most) or `in_process` records are not ranked. `timeout` is in seconds.

    Raises UsageError for what does not exist; a method that fails gives a record of status `failed`.
    """
    require_no_file_running("evaluate")
    several = list(method) if isinstance(method, Sequence) and not isinstance(method, str) else [method]
    conditions = Conditions(resolve_device(device), limit, in_process, timeout)
    with guests(conditions) as nursery:
        units = plan(select(several), tasks, arenas, seeds, conditions, nursery)
        require_own_names(units)
        places = prepare(units, Path(output), fresh)
        run(units, conditions, places, Quiet(), nursery)
    return Results(results(units, conditions, places))
