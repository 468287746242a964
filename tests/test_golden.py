"""Every formula of a score on fixed inputs: one that changes without a new scoring version fails here.

The inputs are made by arithmetic, so that they are the same with every version of every library. The golden figures are
kept by scoring version: who changes a formula raises the version, so that old records are listed, not ranked. What is
computed anew from the counts of every record, its uncertainty, has a version of its own: records outlast it.
"""

import hashlib

import numpy as np
import pytest
import torch
from record_kit import facts

from simplibench.board import boards
from simplibench.records import (
    BankTable,
    CodecRecord,
    Counts,
    ExplainerCounts,
    ExplainerRecord,
    GroundCounts,
    Protocol,
    Terms,
    explainer_figures,
    load_all,
    save,
    split_figures,
)
from simplibench.scoring import explanations, faithfulness, inference
from simplibench.scoring.correlation import ranks, spearman, spearman_interval
from simplibench.scoring.differences import holm, rank_ranges, significant_pairs, typical_detectable_difference
from simplibench.scoring.divergence import jensen_shannon_bits
from simplibench.scoring.inference import mean_interval, minimum_detectable_difference, p_values, variances
from simplibench.scoring.quantised import quantise, restore
from simplibench.scoring.rate import CodeMeter
from simplibench.scoring.resampling import sentence_weights

CHANGED = (
    "\n\nA formula of {what} changed. If that is meant: raise {constant} in benchmark/scoring/version.py, put the "
    "golden figures of the new version into GOLDEN in tests/test_golden.py, and {then}. If it is not meant, undo it."
)
OLD_RECORDS = "make the records again (`make records`), since those of the old version are listed, not ranked"
OLD_PAGES = "write what shows intervals and ranks anew: leaderboard.md, docs/leaderboard.png, docs/noise, docs/code"
ROLES = {"iid": "id", "near": "ood", "far": "ood"}
SENTENCES, CASES = 40, 6
PROTOCOL = Protocol(task_version=1, scoring_version=1, sha256="a" * 64)


def spread(count, salt):
    """Numbers between 0 and 1, from a hash of their index."""
    digests = (hashlib.sha256(f"{salt}.{index}".encode()).digest() for index in range(count))
    return np.array([int.from_bytes(digest[:4], "big") / 2**32 for digest in digests])


def counted(share, salt):
    """Of CASES positions a sentence about `share`, [sentence of all splits]."""
    return np.floor(spread(SENTENCES * len(ROLES), salt) * 2 * share * CASES).clip(0, CASES).astype(np.uint16)


def ground(seed):
    total = SENTENCES * len(ROLES)
    return GroundCounts(
        split=np.repeat(np.arange(len(ROLES)), SENTENCES).astype(np.uint8),
        positions=np.full(total, CASES, dtype=np.uint16),
        reference_wrong=counted(0.1, 10 + seed),
        floor_disagree=counted(0.5, 20 + seed),
        floor_divergence=quantise(0.2 + 0.3 * spread(total, 30 + seed)),
    )


def counts(seed, share, salt):
    disagree = counted(share, salt + seed)
    where_wrong = np.minimum(disagree, ground(seed).reference_wrong)
    return Counts(disagree, where_wrong, disagree, quantise(share * spread(len(disagree), salt + 5 + seed)))


def bank(seed):
    """Eight pairs of models in each of two splits, six cases; four kinds of masking in two forms on three models."""
    pairs = [(s, int(p >= 4) * (1 + p % 3), p, c) for s in range(2) for p in range(8) for c in range(6)]
    masked = [(s, k, f, m, c) for s in range(2) for m in range(3) for f in range(2) for c in range(6) for k in range(4)]
    columns = [*np.array(pairs).T, *np.array(masked).T]
    return BankTable(**dict(zip(BankTable.__dataclass_fields__, columns, strict=True)))


def explained(seed, salt):
    table = bank(seed)
    distances = np.round(1e6 * spread(len(table.pair), salt + seed) * (1 + 0.2 * (table.pair_kind > 0)) / 1.2)
    correlations = np.round(1e6 * (1.6 * spread(len(table.masking), salt + 7 + seed) - 0.6))
    return ExplainerCounts(distances.astype(np.int32), correlations.astype(np.int32))


def codec_row(folder):
    """The board's row of a submission of three entries on two references."""
    for seed in (0, 1):
        base = ground(seed)
        for entry, share, bits, salt in (("A", 0.3, 30.0, 40), ("B", 0.1, 200.0, 50), ("C", 0.05, 900.0, 60)):
            own = counts(seed, share, salt)
            splits = {
                name: {
                    **split_figures(base, own, index),
                    "role": role,
                    "pattern_divergence_bits": None,
                    "pattern_agreement": None,
                    "bits_per_token": bits,
                    "strata": {},
                }
                for index, (name, role) in enumerate(ROLES.items())
            }
            runtime = dict.fromkeys(
                ("fit_seconds", "codec_microseconds", "forward_ratio", "forward_ratio_low", "forward_ratio_high"), 1.0
            )
            record = CodecRecord.sealed(
                **facts("own", entry, seed, "toy/attention.0", (own, base), PROTOCOL),
                track="codec",
                family="f",
                part="vectors",
                ceiling_bits=2048.0,
                bits_per_token=bits,
                state_bytes=1,
                splits=splits,
                runtime=runtime | {"peak_memory_bytes": 1},
            )
            save(folder, record, own, base)
    return only_row(folder, "toy/attention.0", list(ROLES))


def explainer_row(folder):
    """The board's row of a submission of two entries on two banks."""
    for seed in (0, 1):
        for entry, salt in (("A", 70), ("B", 90)):
            own = explained(seed, salt)
            splits = {
                name: {"role": role, **explainer_figures(bank(seed), own, index)}
                for index, (name, role) in enumerate((("short", "id"), ("long", "ood")))
            }
            record = ExplainerRecord.sealed(
                **facts("own", entry, seed, "toy/explanations", (own, bank(seed)), PROTOCOL),
                track="explainer",
                splits=splits,
                runtime={"case_microseconds": 1.0, "forward_ratio": 1.0, "peak_memory_bytes": 1},
            )
            save(folder, record, own, bank(seed))
    return only_row(folder, "toy/explanations", ["short", "long"])


def only_row(folder, arena, splits):
    (board,) = boards(load_all(folder), {arena: Terms(PROTOCOL, [0, 1], splits)})
    (row,) = board.rows
    assert row.status == "ok", row.note
    return row


def hashed(array):
    """Whole numbers, told apart by a hash."""
    return hashlib.sha256(np.ascontiguousarray(array).astype("<i8").tobytes()).hexdigest()[:16]


def rates():
    """What codes of every kind cost."""
    noise = torch.tensor(spread(600, 1)).reshape(200, 3)
    sparse = torch.zeros(50, 64)
    sparse[:, 7] = 1.5
    found = {
        "dense": noise.half(),
        "sparse": sparse,
        "integer": (noise * 9).long(),
        "skewed": (noise**4 * 30).long(),
    }
    bits = {}
    for name, code in found.items():
        meter = CodeMeter()
        meter.add(code)
        bits[name] = meter.bits()
    visible = torch.arange(1, 201)
    pointers = CodeMeter()
    pointers.add((noise[:, :1] * visible[:, None]).long(), visible)
    return bits | {"pointer": pointers.bits()}


def codec_figures(folder):
    """Every formula of the codec score, under a name."""
    row, base, own = codec_row(folder), ground(0), counts(0, 0.3, 40)
    p = torch.tensor(spread(8, 2)).softmax(0)
    q = torch.tensor(spread(8, 3)).mul(3).softmax(0)
    chosen = faithfulness.score(
        np.array([8.0, 100.0, 1000.0]), np.array([0.2, 0.5, 0.9]), np.array([0.6, 0.3, 0.8]), 2048.0
    )
    return {
        **{f"rate.{name}": bits for name, bits in rates().items()},
        "faithfulness": float(faithfulness.faithfulness(30, 80)),
        "faithfulness.small_floor": float(faithfulness.faithfulness(2, 0.25)),
        "budgets": float(faithfulness.budgets(2048.0).sum()),
        "divergence": float(jensen_shannon_bits(p, q)),
        "quantised": hashed(quantise(spread(500, 4))),
        "restored": float(restore(quantise(spread(500, 4))).sum()),
        **{f"split.{name}": value for name, value in split_figures(base, own, 1).items()},
        "chosen.id": float(chosen[0]),
        "chosen.ood": float(chosen[1]),
        "score": row.score.value,
        "id_score": row.id_score.value,
        "gap": row.gap.value,
        "divergence_score": row.figures["divergence_score"],
    }


def explainer_scores(folder):
    """Every formula of the explainer score, under a name."""
    row = explainer_row(folder)
    a, b = spread(12, 5).reshape(2, 6) - 0.3, spread(12, 6).reshape(2, 6) - 0.3
    tied = np.round(4 * spread(20, 7))
    found = {f"split.{name}": value for name, value in explainer_figures(bank(0), explained(0, 70), 1).items()}
    flat = {name: value for name, value in found.items() if not isinstance(value, dict)}
    nested = {
        f"{name}.{key}": part for name, value in found.items() if isinstance(value, dict) for key, part in value.items()
    }
    return {
        "shares": float((explanations.shares(a) * np.arange(6)).sum()),
        "distance": float(explanations.distance(a, b).sum()),
        "auc": float(explanations.auc(tied[None, :8], tied[None, 8:])[0]),
        "ranks": float((ranks(tied) * np.arange(20)).sum()),
        "spearman": spearman(tied, spread(20, 8)),
        "unit": explanations.UNIT,
        **flat,
        **nested,
        "score": row.score.value,
        "id_score": row.id_score.value,
        "gap": row.gap.value,
        "replaced_score": row.figures["replaced_score"],
        "equivalence": row.figures["equivalence"],
        "intervention": row.figures["intervention"],
    }


def uncertainty(folder):
    """Every formula of intervals, tests and ranks, under a name."""
    rows = {"codec": codec_row(folder / "codec"), "explainer": explainer_row(folder / "explainer")}
    intervals = {
        f"{track}.{name}": getattr(row, name) for track, row in rows.items() for name in ("score", "id_score", "gap")
    }
    scores = spread(4 * 3 * 1001, 10).reshape(4, 3, 1001) + np.array([0.0, 0.1, 5.0, 5.2])[:, None, None]
    by_seed, single = scores[0] - scores[2], scores[0, :1] - scores[1, :1]
    opposed = np.stack([by_seed[0], 2 * by_seed[0, 0] - by_seed[0]])  # what sentences do to one, undone by the other
    order = np.array([1.0, 2.0, 3.0])
    return {
        "sentence_weights": hashed(sentence_weights(50, "iid")),
        "variances": [float(own) for own in variances(by_seed)],
        "variances.opposed": [float(own) for own in variances(opposed)],
        "mean_interval": (found := mean_interval(by_seed)).high - found.low,
        **{f"{name}.{end}": getattr(own, end) for name, own in intervals.items() for end in ("low", "high")},
        "spearman_interval": (found := spearman_interval(spread(30, 11), spread(30, 12))).high - found.low,
        "p_value": float(p_values(by_seed)),
        "p_value.single": float(p_values(single)),
        "minimum_detectable_difference": float(minimum_detectable_difference(by_seed, 0.05)),
        "minimum_detectable_difference.single": float(minimum_detectable_difference(single, 0.05)),
        "holm": float(np.array(holm([0.01, 0.04, 0.02])) @ order),
        "significant_pairs": hashed(significant_pairs(scores)),
        "rank_ranges": hashed(rank_ranges(scores)),
        "typical_detectable_difference": typical_detectable_difference(scores),
    }


def near(value):
    """Up to single precision; a hash or nothing exactly."""
    return pytest.approx(value, rel=1e-6, abs=1e-9) if isinstance(value, int | float | list) else value


GOLDEN: dict[str, dict[int, dict[str, float | str | list[float] | None]]] = {
    "codec": {
        1: {
            "rate.dense": 48.0,
            "rate.sparse": 38.0,
            "rate.integer": 9.509775004326936,
            "rate.skewed": 12.813212356094976,
            "rate.pointer": 6.226902535296043,
            "faithfulness": 0.625,
            "faithfulness.small_floor": -1.0,
            "budgets": 2040.0,
            "divergence": 0.055874133358827426,
            "quantised": "98f5e2ef61214f4d",
            "restored": 257.8190313810927,
            "split.sequences": 40,
            "split.positions": 240,
            "split.agreement": 0.8125,
            "split.faithfulness": 0.5360824742268041,
            "split.divergence_bits": 0.12492366000655414,
            "split.divergence_faithfulness": 0.6776322749110151,
            "split.reference_accuracy": 0.9541666666666667,
            "split.proxy_accuracy": 0.8125,
            "split.agreement_where_right": 0.8427947598253275,
            "split.agreement_where_wrong": 0.18181818181818177,
            "chosen.id": 0.4000000000000001,
            "chosen.ood": 0.5125000000000001,
            "score": 0.54819574393332,
            "id_score": 0.5569332018494606,
            "gap": 0.008737457916140556,
            "divergence_score": 0.5645531032762148,
        }
    },
    "explainer": {
        1: {
            "shares": 4.213141339620274,
            "distance": 0.9749657515014447,
            "auc": 0.5885416666666666,
            "ranks": 2223.5,
            "spearman": -0.12249055759634636,
            "unit": 1e-06,
            "split.cases": 6,
            "split.equivalence": 0.75,
            "split.intervention": 0.209804375,
            "split.replaced": 0.22623975,
            "split.equivalence_by_kind.broken": 1.0,
            "split.equivalence_by_kind.swapped": 0.5,
            "split.equivalence_by_kind.retrained": 1.0,
            "split.intervention_by_masking.token": 0.2710762777777778,
            "split.intervention_by_masking.matched pair": 0.01906344444444444,
            "split.intervention_by_masking.unmatched pair": 0.3319258888888889,
            "split.intervention_by_masking.group": 0.21715188888888887,
            "split.replaced_by_masking.token": 0.18516888888888886,
            "split.replaced_by_masking.matched pair": 0.1289698333333333,
            "split.replaced_by_masking.unmatched pair": 0.35145688888888893,
            "split.replaced_by_masking.group": 0.2393633888888889,
            "score": 0.4325949375,
            "id_score": 0.46038320833333335,
            "gap": 0.02778827083333335,
            "replaced_score": 0.42871943749999997,
            "equivalence": 0.65625,
            "intervention": 0.208939875,
        }
    },
    "uncertainty": {
        2: {
            "sentence_weights": "262cd7e8ed1e8fd1",
            "variances": [0.06391927617087581, 0.09584142831405114],
            "variances.opposed": [0.0, 0.0],
            "mean_interval": 2.7994235743217466,
            "codec.score.low": 0.30417988976439325,
            "codec.score.high": 0.7922115981022468,
            "codec.id_score.low": 0.44440349753649805,
            "codec.id_score.high": 0.6694629061624232,
            "codec.gap.low": -0.34776283270176456,
            "codec.gap.high": 0.36523774853404567,
            "explainer.score.low": -0.5,
            "explainer.score.high": 1.0,
            "explainer.id_score.low": 0.007351750516338684,
            "explainer.id_score.high": 0.913414666150328,
            "explainer.gap.low": -1.5,
            "explainer.gap.high": 1.5,
            "spearman_interval": 0.7672634756538698,
            "p_value": 0.004551339303200853,
            "p_value.single": 0.7592456199940186,
            "minimum_detectable_difference": 1.3997117871608735,
            "minimum_detectable_difference.single": 0.9421877726208799,
            "holm": 0.23,
            "significant_pairs": "14761acdaa09fb55",
            "rank_ranges": "ad1b4a5f9383157d",
            "typical_detectable_difference": 3.507450827098906,
        }
    },
}


@pytest.mark.parametrize(
    ("what", "then", "version", "compute"),
    [
        ("codec", OLD_RECORDS, faithfulness.VERSION, codec_figures),
        ("explainer", OLD_RECORDS, explanations.VERSION, explainer_scores),
        ("uncertainty", OLD_PAGES, inference.VERSION, uncertainty),
    ],
)
def test_a_changed_formula_needs_a_new_version(what, then, version, compute, tmp_path):
    advice = CHANGED.format(what=what, constant=what.upper(), then=then)
    found = compute(tmp_path)
    assert version in GOLDEN[what], f"there are no golden figures of {what} version {version}; now: {found}"
    golden = GOLDEN[what][version]
    assert found.keys() == golden.keys(), f"{found}{advice}"
    changed = [
        f"{name}: golden {golden[name]}, now {value}" for name, value in found.items() if value != near(golden[name])
    ]
    assert not changed, "\n".join(changed) + advice
