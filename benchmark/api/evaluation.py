"""`evaluate`, which scores methods from Python."""

from collections.abc import Sequence
from pathlib import Path

from simplibench.api.results import Results
from simplibench.errors import UsageError
from simplibench.harness.options import DEFAULT_TIMEOUT, RunOptions
from simplibench.harness.runner import Runner
from simplibench.methods import MethodLike, require_no_file_running, select
from simplibench.records import SeedName


def evaluate(
    method: MethodLike | Sequence[MethodLike],
    tasks: str | Sequence[str] | None = None,
    arenas: str | Sequence[str] | None = None,
    seeds: SeedName | Sequence[SeedName] | None = None,
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

    `tasks` (or "all"), `arenas` and `seeds` are one each or a sequence; without `tasks`, a method goes to the first that has
    an arena for it. Records are saved under `output`; a record that is there, or committed, and still valid is not made
    again unless `fresh`. With `limit` (sentences per split, at most) or `in_process` records are not ranked. `timeout` is
    in seconds. A method that fails gives a record of status `failed`.

    Raises: UsageError for what does not exist and for an argument that is not as RunOptions says; UnwritableFile where a
    record cannot be saved.
    """
    require_no_file_running("evaluate")
    asked = RunOptions.from_python(
        tasks=tasks,
        arenas=arenas,
        seeds=seeds,
        device=device,
        limit=limit,
        in_process=in_process,
        timeout=timeout,
        output=output,
        fresh=fresh,
    )
    selected = select(_several(method))
    with Runner(asked.config, asked.output, fresh=asked.fresh) as runner:
        return Results(runner.score(runner.plan(selected, asked.tasks, asked.arenas, asked.seeds)))


def _several(method: MethodLike | Sequence[MethodLike]) -> Sequence[MethodLike]:
    """Return the methods. Raises UsageError for an empty list of them."""
    methods = method if isinstance(method, Sequence) and not isinstance(method, str) else [method]
    if not methods:
        raise UsageError(f"method must be a method, or several, got {method!r}")
    return methods
