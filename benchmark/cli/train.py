"""`train`: train references, with progress, resumable at any moment."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from simplibench.allocator import keep_freed_memory
from simplibench.cli.app import app
from simplibench.cli.printing import print_table, progress_bar
from simplibench.errors import UsageError
from simplibench.files import cache_folder, require_folder
from simplibench.harness.data import require_all_data
from simplibench.models import Checkpoint, load_card, seed_name
from simplibench.models.card import card_path
from simplibench.records import SeedName
from simplibench.registry import load_task
from simplibench.tasks import Family, Task, load_training

if TYPE_CHECKING:
    from simplibench.models import Network

SMOOTHING = 0.98  # of the loss and accuracy shown


@app.command()
def train(
    task: Annotated[str, typer.Argument(help="The task.")],
    seed: Annotated[
        list[str] | None, typer.Option(help="0, 1, ... or untrained; repeatable. Without: all that are missing.")
    ] = None,
    family: Annotated[
        str | None, typer.Option(help="Of this family; without, the first, or all without a seed.")
    ] = None,
    output: Annotated[Path, typer.Option(help="Folder for weights and card.")] = Path("trained"),
    threads: Annotated[int, typer.Option(min=1, max=1_024, help="Another number may end at other weights.")] = 1,
    save_every: Annotated[float, typer.Option(min=1, help="Seconds between saves.")] = 120.0,
    device: Annotated[str, typer.Option(help="cpu, where the shipped ones were trained; cuda; auto.")] = "cpu",
) -> None:
    """Train references. Killed at any moment, the same command goes on, to the same weights."""
    train_references(task, seed, family, output, threads, save_every, device)


def train_references(
    task_name: str,
    seeds: list[str] | None,
    family_name: str | None,
    output: Path,
    threads: int,
    save_every: float,
    device: str = "cpu",
) -> None:
    """Train references, measure them on every split, and write their weights and cards.

    Args:
        task_name: The task.
        seeds: 0, 1, ... or untrained; None: all that are missing in `output`.
        family_name: The family or recipe; None: the task's first family, or all of them without seeds.
        output: The folder for weights and cards.
        threads: Threads of a training; another number may end at other weights.
        save_every: Seconds between saves.
        device: cpu, cuda or auto.

    Raises:
        UsageError: An option is wrong, data are missing, or a folder cannot be written.

    """
    import torch

    from simplibench.harness.options import LONGEST_SECONDS, RunOptions
    from simplibench.models.reference import save_reference, untrained

    asked = RunOptions.from_command_line(seeds=seeds or None, device=device, output=output)
    if not 1 <= save_every <= LONGEST_SECONDS:
        raise UsageError(f"--save-every must be seconds, at least 1 and at most {LONGEST_SECONDS:,}, got {save_every}")
    torch.set_num_threads(threads)
    keep_freed_memory()
    device = asked.config.device
    task = load_task(task_name)
    planned = _plan(task, family_name, asked.seeds, output)
    for number, (family, seed) in enumerate(planned, start=1):
        print(f"{number} of {len(planned)}: {family.name} {seed_name(seed)}", file=sys.stderr)
        model = untrained(family) if seed == "untrained" else _trained(task, family, int(seed), save_every, device)
        fields = _card_fields(task, family, model.eval())
        _print(task, family, seed, save_reference(model, task, family, seed, fields, output), output)


def _plan(
    task: Task, family_name: str | None, seeds: Sequence[SeedName] | None, output: Path
) -> list[tuple[Family, SeedName]]:
    """Return the references to train; see `train_references`. Finds before hours of training what would end it.

    Raises UsageError for an unknown family, missing data, and a folder that cannot be written.
    """
    names = [family.name for family in (*task.families, *task.recipes)]
    if family_name not in (None, *names):
        raise UsageError(f"{task.name} has no family {family_name}; there are: {', '.join(names)}")
    require_all_data(task)
    families = [task.family(family_name)] if family_name else list(task.families[: 1 if seeds else None])
    planned = [(family, seed) for family in families for seed in seeds or _missing(task, family, output)]
    if planned:
        require_folder("--output", output)
        require_folder("the folder that trainings are saved in,", _saves(task))
    else:
        listed = ", ".join(family.name for family in families)
        print(f"every reference of {listed} is in {output}; --seed N makes one again")
    return planned


def _card_fields(task: Task, family: Family, model: "Network") -> dict[str, Any]:
    """Return the accuracies for the card, of the weights as they are stored.

    Says on standard error by how much storing them changes the value that changes most.
    """
    from simplibench.models.accuracy import accuracies, card_fields, largest_change
    from simplibench.models.reference import as_stored

    measured = accuracies(task, as_stored(model, family))
    if family.stored != "float32":
        change, figure = largest_change(accuracies(task, model), measured)
        print(f"stored as {family.stored}, the figure that changes most is {figure}: {change:.4%}", file=sys.stderr)
    return card_fields(task, measured)


def _missing(task: Task, family: Family, output: Path) -> list[SeedName]:
    """Return the seeds of the family that its card in `output` does not have."""
    trained = load_card(task, family, output).references if card_path(task, family, output).exists() else {}
    return [seed for seed in family.references if str(seed) not in trained]


def _trained(task: Task, family: Family, seed: int, save_every: float, device: str) -> "Network":
    """Train a reference, or go on with it, showing its loss and accuracy; return the model."""
    from simplibench.models.training import Training

    saves = _saves(task) / family.name / f"{seed_name(seed)}.pt"
    training = Training(task, family, load_training(task), seed, saves, device)
    if training.step:
        print(f"going on at step {training.step} from {saves}", file=sys.stderr)
    loss = accuracy = 0.0
    with progress_bar() as bar:
        shown = bar.add_task("starting", total=family.recipe.steps, completed=training.step)
        for done in training.run(save_every):
            keep = SMOOTHING if loss else 0.0
            loss, accuracy = keep * loss + (1 - keep) * done.loss, keep * accuracy + (1 - keep) * done.accuracy
            bar.update(shown, completed=done.step, description=f"loss {loss:.3f}, accuracy {accuracy:.3f}")
    return training.model


def _saves(task: Task) -> Path:
    """Return the folder that unfinished trainings of a task are saved in."""
    return cache_folder() / "training" / task.name


def _print(task: Task, family: Family, seed: SeedName, made: Checkpoint, output: Path) -> None:
    """Print what the card says of a reference, split by split, and where it was written."""
    headers = ["split", "accuracy"]
    columns = [list(made.accuracy), [f"{value:.4f}" for value in made.accuracy.values()]]
    if made.bits:
        headers.append("bits a token")
        columns.append([f"{value:.4f}" for value in made.bits.values()])
    if made.confident:
        headers.append(f"confidence > {task.confidence}")
        columns.append([f"{value:.4f}" for value in made.confident.values()])
    print_table(headers, [list(row) for row in zip(*columns, strict=True)])
    print(f"wrote {family.name} {seed_name(seed)}, and entered it in {card_path(task, family, output)}")
