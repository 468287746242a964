"""How codecs are scored: OOD faithfulness at the best affordable entry, over budgets."""

from collections.abc import Mapping

import numpy as np

from simplibench.board.row import Scores
from simplibench.board.tallies import SeedTally, tally_each
from simplibench.records import CodecRecord, Stored
from simplibench.scoring.faithfulness import budgets


def codec_figures(group: list[Stored]) -> Mapping[str, float | None]:
    """What is shown of a submission's records, scored or not: rates of the cheapest and dearest entry."""
    bits = [one.record.bits_per_token for one in group if isinstance(one.record, CodecRecord)]
    known = [rate for rate in bits if rate is not None]
    return {"bits_low": min(known, default=None), "bits_high": max(known, default=None)}


def score_codecs(groups: list[list[Stored]], seeds: list[int]) -> list[Scores]:
    """Every submission's scores over references; by divergence instead of agreement as the other measure."""
    found = tally_each([one for group in groups for one in group])
    return [_scores(group, [found[group[0].record.submission, seed] for seed in seeds]) for group in groups]


def _scores(group: list[Stored], tallies: list[SeedTally]) -> Scores:
    per_seed = [own.scores() for own in tallies]
    rates = codec_figures(group)
    divergence = float(np.mean([own.divergence_score() for own in tallies]))
    unscored = ""
    if group[0].record.control and (rates["bits_low"] or 0) > max(budgets(tallies[0].ceiling_bits)):
        best = max(float(np.mean([own.on_ood[0].max() for own in tallies])), 0.0)
        unscored = f"ceiling: OOD faithfulness {best:.3f}, dearer than every budget"
    return Scores(
        ood_by_seed=[own[1] for own in per_seed],
        id_by_seed=[own[0] for own in per_seed],
        other=divergence,
        figures={"divergence_score": None if unscored else divergence, **rates},
        unscored=unscored,
    )
