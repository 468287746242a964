"""What tests of explainers share: the bank's arena, a few texts, and models to explain."""

import torch

from simplibench import load_reference
from simplibench.methods import ExplainedModel, Explainer, load_submission
from simplibench.registry import all_methods, all_tasks
from simplibench.tasks import Explanations

SUBMISSIONS = {name: load_submission(file.path) for name, file in sorted(all_methods().items())}
EXPLAINERS = [name for name, own in SUBMISSIONS.items() if isinstance(own.entries[0], Explainer)]
TASK = all_tasks()["dyck-2-4"]
ARENA = next(arena for arena in TASK.arenas if isinstance(arena, Explanations))
NAME = f"{TASK.name}/{ARENA.name}"
LIMIT = 2  # cases a split, where a bank is run

# START and prefixes of the language, of 8, 13, 13 and 10 tokens
TOKENS = torch.tensor(
    [
        [0, 1, 2, 4, 1, 3, 2, 2, 0, 0, 0, 0, 0],
        [0, 2, 1, 3, 2, 4, 1, 1, 3, 3, 4, 2, 1],
        [0, 1, 1, 1, 1, 3, 3, 3, 2, 4, 2, 4, 1],
        [0, 2, 2, 1, 3, 4, 1, 2, 4, 3, 0, 0, 0],
    ]
)
POSITIONS = torch.tensor([7, 12, 12, 9])


def trained(family, seed=0):
    """A reference in double precision, so that sums in another order give the same."""
    return load_reference(TASK, seed, TASK.family(family)).model.double()


def explained(network):
    return ExplainedModel(network, TASK.candidates)


def explain(name, network, tokens=TOKENS, positions=POSITIONS):
    """What the first entry of a method says, without a guest."""
    return SUBMISSIONS[name].entries[0].explain(explained(network), tokens, positions).detach()


def written(folder, body, entries="[Own()]"):
    """A submission of one class `Own`, whose body begins in line 6."""
    indented = "\n".join("    " + line for line in body.strip("\n").splitlines())
    manifest = f"submission = Submission(name='own', authors=('a',), citation='here', entries={entries})"
    path = folder / "own.py"
    path.write_text(
        "\nimport torch\nfrom simplibench import Explainer, Submission\n\n"
        f"class Own(Explainer):\n{indented}\n\n{manifest}\n",
        encoding="utf-8",
    )
    return path


EXPLAIN = "def explain(self, model, tokens, positions):"
READ = "read = torch.arange(tokens.shape[1]) <= positions[:, None]"
