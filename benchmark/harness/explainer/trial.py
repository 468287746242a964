"""The contract of explainers tried on a few cases: what `validate` and the pytest plugin do before a run."""

from functools import cached_property

from simplibench.guest import MethodRunner, Problem, Question, check_explainer
from simplibench.harness.explainer.bank import load_bank
from simplibench.harness.explainer.questions import questions
from simplibench.methods import ExplainerEntry
from simplibench.registry import DEFAULT_EXPLAINED, load_task
from simplibench.tasks import Explanations, load_split

CASES = 6


class ExplainerTrial:
    """Cases of the default arena of explainers, made when the first explainer is tried."""

    @cached_property
    def questions(self) -> list[Question]:
        """Return the same few cases about one reference of each architecture."""
        return tiny_questions()

    def problems(
        self, encoder: MethodRunner, decoder: MethodRunner, entry: ExplainerEntry, index: int
    ) -> list[Problem]:
        """Try entry number `index`; every broken promise, each told once."""
        return check_explainer(encoder, entry, index, self.questions)


def tiny_questions() -> list[Question]:
    """Return a few cases of the default arena of explainers, about one model of its bank of each architecture."""
    task = load_task(DEFAULT_EXPLAINED)
    (arena, *_) = task.arenas_of(Explanations)
    split = next(load_split(task, name) for name, role in task.roles.items() if role == "id")
    asked = questions(split, CASES, arena.maskings)
    bank = load_bank(task, arena, arena.seeds[0], "cpu")
    models = {type(bank.models[name]): bank.models[name] for name in bank.masked}
    return [Question(model, task.candidates, asked.tokens, asked.positions) for model in models.values()]
