"""`train`: make a reference, with progress, resumable at any moment."""

import sys
from pathlib import Path

import torch

from benchmark.commands.options import parse_seed, print_table, progress_bar
from benchmark.errors import UsageError
from benchmark.files import cache_folder
from benchmark.harness.accuracy import accuracies
from benchmark.models import Card, Transformer, checkpoint_path, seed_name
from benchmark.models.reference import describe, save_reference, untrained
from benchmark.models.training import Training
from benchmark.records import SeedName
from benchmark.registry import load_task
from benchmark.tasks import Family, Task, load_training

SMOOTHING = 0.98  # of the loss and accuracy shown


def train(
    task_name: str, seed_text: str, family_name: str | None, output: Path, threads: int, save_every: float
) -> None:
    """Train to the end of the recipe, measure every split, write weights and card. Raises UsageError."""
    torch.set_num_threads(threads)
    task, seed = load_task(task_name), parse_seed(seed_text)
    names = [family.name for family in task.families]
    if family_name not in (None, *names):
        raise UsageError(f"{task.name} has no family {family_name}; there are: {', '.join(names)}")
    family = task.family(family_name or names[0])
    model = untrained(family) if seed == "untrained" else _trained(task, family, int(seed), save_every)
    card = _write(task, family, seed, model.eval(), output)
    print_table(("split", "accuracy"), [[name, f"{value:.4f}"] for name, value in card.accuracy.items()])
    print(f"wrote {checkpoint_path(task, family, seed, output)}")


def _trained(task: Task, family: Family, seed: int, save_every: float) -> Transformer:
    saves = cache_folder() / "training" / task.name / family.name / f"{seed_name(seed)}.pt"
    training = Training(family, load_training(task), task.candidates, seed, saves)
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


def _write(task: Task, family: Family, seed: SeedName, model: Transformer, output: Path) -> Card:
    steps = 0 if seed == "untrained" else family.recipe.steps
    facts = describe(task, family, seed, steps) | {"accuracy": accuracies(task, model)}
    return save_reference(model, facts, checkpoint_path(task, family, seed, output))
