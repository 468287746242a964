"""The contract of explainers tried on a few cases: what `validate` and the pytest plugin do before a run."""

from functools import cached_property

from simplibench.guest import MethodRunner, Problem, Question, check_explainer
from simplibench.harness.explainer.questions import questions
from simplibench.methods import ExplainerEntry
from simplibench.models import load_reference
from simplibench.registry import all_tasks
from simplibench.tasks import Explanations, load_split

CASES = 6


class ExplainerTrial:
    """Cases of the first arena of explainers, made when the first explainer is tried."""

    @cached_property
    def questions(self) -> list[Question]:
        """The same few cases about one reference of each architecture."""
        return tiny_questions()

    def problems(
        self, encoder: MethodRunner, decoder: MethodRunner, entry: ExplainerEntry, index: int
    ) -> list[Problem]:
        """Try entry number `index`; every broken promise, each told once."""
        return check_explainer(encoder, entry, index, self.questions)


def tiny_questions() -> list[Question]:
    """Return a few cases of the first arena of explainers, about one reference of each architecture."""
    task, arena = next(
        (task, arena) for task in all_tasks().values() for arena in task.arenas if isinstance(arena, Explanations)
    )
    split = next(load_split(task, name) for name, role in task.roles.items() if role == "id")
    asked = questions(split, CASES, arena.maskings)
    by_shape = {task.family(name).architecture.kind: task.family(name) for name in arena.needs}
    models = [load_reference(task, arena.seeds[0], family).model for family in by_shape.values()]
    return [Question(model, task.candidates, asked.tokens, asked.positions) for model in models]
