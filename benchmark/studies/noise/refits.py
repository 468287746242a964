"""The deviation of score and gap over seeds of a random fit, measured by refitting."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from simplibench.guest import HostedCodec, InProcess
from simplibench.harness.codec.context import ReferenceRun, prepare
from simplibench.harness.codec.measure import CodecPatch, fit, patch_of
from simplibench.harness.codec.proxy import run_proxy
from simplibench.harness.jobs import one_thread
from simplibench.methods import CodecEntry
from simplibench.models import load_reference
from simplibench.registry import find_method, load_task
from simplibench.scoring.faithfulness import faithfulness, score
from simplibench.studies.study import Step
from simplibench.tasks import Component

TASK, ARENAS = "dyck-20-10", ("attention.0", "attention.1", "residual.0")
METHODS = ("kmeans", "random-projection")  # whose fits draw random numbers
SEEDS, REFERENCE = 5, 0
SENTENCES = 200  # per split: the same for all fits, so few are enough
STEPS = len(ARENAS) * len(METHODS) * SEEDS


@dataclass(frozen=True)
class RefitRow:
    """The scores of one method fitted with several seeds, on one reference and the same sentences."""

    arena: str
    submission: str
    fits: int
    score: float  # mean over fits
    score_deviation: float  # standard deviation over fits; a record has one fit per reference
    gap: float
    gap_deviation: float


def refit_rows(step: Step) -> Iterator[RefitRow]:
    """Yield one row per random method and arena of the task; `step` gets the name of each fit."""
    task = load_task(TASK)
    reference = load_reference(task, REFERENCE)
    arenas = [arena for arena in task.arenas_of(Component) if arena.name in ARENAS]
    with one_thread():
        for arena in arenas:
            run = prepare(task, reference, arena, "cpu", SENTENCES)
            for method in METHODS:
                by_fit = np.array(list(_fits(run, method, step)))  # [fit, (ID, OOD)]
                scores, gaps = by_fit[:, 1], by_fit[:, 0] - by_fit[:, 1]
                figures = (scores.mean(), scores.std(ddof=1), gaps.mean(), gaps.std(ddof=1))
                yield RefitRow(f"{TASK}/{arena.name}", method, SEEDS, *map(float, figures))


def _fits(run: ReferenceRun, method: str, step: Step) -> Iterator[tuple[float, float]]:
    """Yield the ID and OOD score of each fit."""
    here = InProcess(find_method(method), "cpu")
    entries = [(i, entry) for i, entry in enumerate(here.manifest().entries) if isinstance(entry, CodecEntry)]
    for number in range(SEEDS):
        step(f"{run.arena.name}, {method}, fit {number + 1}")
        shared = {}  # type: ignore[var-annotated]
        points = []
        for index, entry in entries:
            codec = HostedCodec(here, here, entry, index)
            fitted = fit(run, codec, f"{REFERENCE}, fit {number}", shared)
            points.append(_point(run, CodecPatch(patch_of(run, entry), codec, fitted.states)))
        bits, on_id, on_ood = (np.array(column) for column in zip(*points, strict=True))
        id_score, ood_score = score(bits, on_id, on_ood, run.ceiling_bits)
        yield float(id_score), float(ood_score)


def _point(run: ReferenceRun, simplify: CodecPatch) -> tuple[float, float, float]:
    """Return an entry's rate in bits per token, and its mean faithfulness on ID splits and on OOD splits."""
    bits, by_role = [], {"id": [], "ood": []}  # type: ignore[var-annotated]
    for part in run.splits.values():
        simplify.meters.clear()
        outcome = run_proxy(
            simplify.patch, part.split, part.cached_batches, simplify, run.task.candidates, patterns=False
        )
        kept = faithfulness(np.count_nonzero(~outcome.agree), np.count_nonzero(~part.floor.agree))
        bits.append(simplify.bits_per_token())
        if part.split.role in by_role:
            by_role[part.split.role].append(max(float(kept), 0.0))
    return max(bits), float(np.mean(by_role["id"])), float(np.mean(by_role["ood"]))
