"""The bank of an arena of explainers, built by who the arena names, and checked before anything is scored on it."""

from collections.abc import Iterator
from pkgutil import resolve_name

from simplibench.errors import UsageError
from simplibench.models.bank import Bank, BankBuilder
from simplibench.records.explainer import MASKINGS, PAIR_KINDS
from simplibench.tasks import Explanations, Task


def load_bank(task: Task, arena: Explanations, seed: int, device: str) -> Bank:
    """Build an arena's bank in evaluation mode. Raises UsageError that lists all that does not hold of it."""
    arena_name = f"{task.name}/{arena.name}"
    build = _builder(arena, arena_name)
    bank = build(task, arena, seed, device)
    problems = [*_unknown_kinds(arena, bank), *_unknown_models(bank), *_too_few(bank)]
    if problems:
        listed = "\n".join(f"  {number}. {problem}" for number, problem in enumerate(problems, start=1))
        raise UsageError(f"{arena_name}: the bank of {arena.bank} cannot be used, {len(problems)} problems:\n{listed}")
    models = {name: model.to(device).eval() for name, model in bank.models.items()}
    return Bank(models, bank.pairs, bank.masked, bank.disputing)


def _builder(arena: Explanations, arena_name: str) -> BankBuilder:
    try:
        build: BankBuilder = resolve_name(arena.bank)
    except (ImportError, AttributeError, ValueError) as error:
        raise UsageError(
            f"{arena_name}: bank: expected `package.module:function`, the builder of its models, got {arena.bank!r}: {error}"
        ) from None
    return build


def _unknown_kinds(arena: Explanations, bank: Bank) -> Iterator[str]:
    """Say which kinds of pairs and maskings records have no name for."""
    for what, kinds, known in (
        ("pairs", [pair.kind for pair in bank.pairs], PAIR_KINDS),
        ("maskings", arena.maskings.kinds, MASKINGS),
    ):
        for kind in dict.fromkeys(kinds):
            if kind not in known:
                yield f"{what}: expected kinds among {', '.join(known)} (records/explainer.py), got {kind!r}"


def _unknown_models(bank: Bank) -> Iterator[str]:
    """Say which models are named and not there."""
    named = {
        "pairs": [name for pair in bank.pairs for name in (pair.first, pair.second)],
        "masked": bank.masked,
        "disputing": bank.disputing,
    }
    for field, names in named.items():
        for name in dict.fromkeys(names):
            if name not in bank.models:
                yield f"{field}: expected names among {', '.join(bank.models)}, got {name!r}"


def _too_few(bank: Bank) -> Iterator[str]:
    """Say which figure there is nothing to compute from."""
    kinds = {pair.kind for pair in bank.pairs}
    if "same" not in kinds or kinds <= {"same"}:
        got = ", ".join(sorted(kinds)) or "none"
        yield f"pairs: expected at least one of equal function (same) and one of another, got {got}"
    if not bank.masked:
        yield "masked: expected at least one model whose inputs are masked, got none"
