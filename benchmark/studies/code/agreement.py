"""Agreement of proxies with the model by split, rank and kind of character, after Friedman et al. 2024.

Tallies count by window, since intervals come from resampling windows. Shapes: W windows, K kinds, R = 1 + resamples.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from simplibench.arrays import Bools, Floats
from simplibench.guest import HostedCodec, InProcess
from simplibench.harness.codec.context import ReferenceRun
from simplibench.harness.codec.measure import CodecPatch, fit, patch_of
from simplibench.harness.codec.proxy import run_proxy
from simplibench.registry import find_method, scored_splits
from simplibench.scoring.inference import Interval, mean_interval
from simplibench.scoring.resampling import sentence_weights
from simplibench.tasks import Split
from simplibench.tasks.code import Kind
from simplibench.tasks.code_python import KINDS, code_python

CODECS = {
    "svd": ("SVD(rank=1)", "SVD(rank=2)", "SVD(rank=4)", "SVD(rank=8)", "SVD(rank=16)"),
    "kmeans": tuple(f"KMeans(clusters={clusters}, iterations=30)" for clusters in (16, 64, 256, 1024)),
    "one-hot-attention": ("OneHotAttention()",),
}
DETAILED = ("SVD(rank=8)", "KMeans(clusters=256, iterations=30)", "OneHotAttention()")  # reported by kind too
SHARE, DIFFERENCE = (0.0, 1.0), (-1.0, 1.0)
EVERYTHING = "all"  # kinds together
UNSEEN_PROJECT, UNSEEN_LANGUAGE = "unseen project", "unseen language"
LANGUAGES = [name for name, role in code_python.roles.items() if role == "ood" and name != "unseen-project"]


@dataclass(frozen=True)
class Tally:
    """The cases of one split by window and kind, and how many of them agree."""

    agree: Floats  # [W, K]
    cases: Floats  # [W, K]

    def share(self, split: str, kind: Kind | None = None) -> Floats:
        """Return the agreement in the sample and its resamples, [R], on cases of one kind or of all kinds.

        NaN if there is no such case. A resample without such a case (the kind may be rare) gets the sample's value.
        """
        weights = sentence_weights(len(self.cases), split)
        agree, cases = (counts.sum(1) if kind is None else counts[:, kind] for counts in (self.agree, self.cases))
        if not cases.any():
            return np.full(len(weights), np.nan)
        drawn = weights @ cases
        return np.where(drawn > 0, weights @ agree / np.maximum(drawn, 1), agree.sum() / cases.sum())


TallyKey = tuple[str, int, str]  # entry, layer, split


@dataclass
class Tallies:
    """The tallies of every codec, layer and split: one per reference seed."""

    by_key: dict[TallyKey, list[Tally]] = field(default_factory=lambda: defaultdict(list))

    def agreement(self, entry: str, layer: int, split: str, kind: Kind | None = None) -> Floats:
        """Return the agreement of every reference in the sample and its resamples, [seed, R]."""
        return np.stack([tally.share(split, kind) for tally in self.by_key[entry, layer, split]])


@dataclass(frozen=True)
class AgreementRow:
    """The mean agreement over seeds of one codec in all heads of one layer, with its interval over windows and seeds."""

    entry: str
    layer: int
    split: str
    role: str
    kind: str
    agreement: Interval | None  # None if the windows have no such character


@dataclass(frozen=True)
class GapRow:
    """The gap of a codec: its agreement in distribution less out of it, mean over layers and seeds."""

    entry: str
    against: str
    kind: str
    in_distribution: Interval | None  # None if no window has such a character
    out_of_distribution: Interval | None
    gap: Interval | None


def tally(agree: Bools, split: Split) -> Tally:
    """Count the cases of a split, and those that `agree` [case], by window and kind."""
    shape = (len(split.sequences), len(Kind))
    cell = split.cases.sequence.astype(np.int64) * len(Kind) + split.cases.strata["kind"]
    counts = (np.bincount(cell[which], minlength=shape[0] * shape[1]) for which in (agree, np.ones_like(agree)))
    agreeing, cases = (count.reshape(shape).astype(np.float32) for count in counts)
    return Tally(agreeing, cases)


def run_codecs(run: ReferenceRun, seed: int) -> Iterator[tuple[TallyKey, Tally]]:
    """Yield the tally of every codec in the run's layer on every split."""
    for name, labels in CODECS.items():
        here, shared = InProcess(find_method(name), "cpu"), {}  # type: ignore[var-annotated]
        for index, entry in enumerate(here.manifest().entries):
            if entry.label not in labels:
                continue
            codec = HostedCodec(here, here, entry, index)  # type: ignore[arg-type]
            patch, fitted = patch_of(run, codec.entry), fit(run, codec, seed, shared)
            for split, part in run.splits.items():
                simplify = CodecPatch(patch, codec, fitted.states)
                outcome = run_proxy(
                    patch, part.split, part.cached_batches, simplify, run.task.candidates, patterns=False
                )
                yield (entry.label, run.arena.layer, split), tally(outcome.agree, part.split)


def agreement_rows(tallies: Tallies, layers: Sequence[int]) -> Iterator[AgreementRow]:
    """Yield one row per codec, layer and split; for the codecs in DETAILED also per kind."""
    for entry in (label for labels in CODECS.values() for label in labels):
        for layer in layers:
            for split in scored_splits(code_python):
                for kind in (None, *Kind) if entry in DETAILED else (None,):
                    agreement = tallies.agreement(entry, layer, split, kind)
                    yield AgreementRow(
                        entry, layer, split, code_python.roles[split], told(kind), _interval(agreement, SHARE)
                    )


def gap_rows(tallies: Tallies, layers: Sequence[int]) -> Iterator[GapRow]:
    """Yield the gap to an unseen project, and to the mean of other languages, per codec in DETAILED and kind."""
    for entry in DETAILED:
        for against, splits in {UNSEEN_PROJECT: ["unseen-project"], UNSEEN_LANGUAGE: LANGUAGES}.items():
            for kind in (None, *Kind):
                inside = _over_layers(tallies, entry, layers, ["id"], kind)
                outside = _over_layers(tallies, entry, layers, splits, kind)
                gap = _interval(inside - outside, DIFFERENCE)
                yield GapRow(entry, against, told(kind), _interval(inside, SHARE), _interval(outside, SHARE), gap)


def _over_layers(tallies: Tallies, entry: str, layers: Sequence[int], splits: list[str], kind: Kind | None) -> Floats:
    """Return the mean over layers and over the splits that have the kind, [seed, R]; NaN if none has."""
    agreements = [tallies.agreement(entry, layer, split, kind) for layer in layers for split in splits]
    known = [agreement for agreement in agreements if not np.isnan(agreement).any()]
    mean: Floats = np.mean(known or agreements, axis=0)
    return mean


def _interval(values: Floats, bounds: tuple[float, float]) -> Interval | None:
    """Return the mean over references of `values` [seed, R] with its interval; None if any is NaN."""
    return None if np.isnan(values).any() else mean_interval(values, bounds)


def told(kind: Kind | None) -> str:
    """Return the name of a kind in the tables; None is all kinds."""
    return EVERYTHING if kind is None else KINDS[kind]
