"""The balance study: what its tables say of rows made by hand, and that the committed one is what the code gives."""

import csv
import importlib.util
from dataclasses import fields, replace
from itertools import combinations
from pathlib import Path
from statistics import fmean

import numpy as np
import pytest
from matplotlib.image import imread
from scipy.stats import spearmanr

from simplibench.cli.study import run_study
from simplibench.errors import UsageError
from simplibench.models import load_card, load_reference
from simplibench.models.batches import limited
from simplibench.models.theory import (
    attention_variation,
    balance_violation,
    broken_twin,
    same_values,
    score_form_violation,
    uniform,
)
from simplibench.scoring.inference import mean_interval
from simplibench.studies.balance import measure as balance
from simplibench.studies.balance.figure import draw
from simplibench.studies.balance.measure import CONSTRUCTED, Correlation, FamilyRow, ModelRow
from simplibench.studies.table import flat
from simplibench.tasks import load_split
from simplibench.tasks.bounded_dyck import task as DYCK

COMMITTED = Path(__file__).parent.parent / "docs" / "balance"
ROUNDING = 1.01e-4  # means of figures rounded to four digits, rounded themselves
ONE_LAYER = ["minimal", "minimal-contrastive", "minimal-type-depth", "minimal-type-angle"]
TWO_LAYER = ["two-layer", "two-layer-linear"]
POOLS = {"all one-layer": ONE_LAYER, "all two-layer": TWO_LAYER}
ACCURACIES = ["id_accuracy", "ood_accuracy", "id_likeliest", "ood_likeliest"]


def row(family, seed, ood, violation, score_form=0.25, stack=0.125):
    return ModelRow(family, str(seed), 1.0, ood, 1.0, ood + 0.05, violation, score_form, stack)


# Violation falls as accuracy rises in the one family, rises with it in the other; the score form never changes.
HAND = [
    *(row("minimal", seed, 0.8 + seed / 100, 0.5 - seed / 100, stack=0.1 + (seed % 2) / 10) for seed in range(5)),
    *(row("minimal-contrastive", seed, 0.9 + seed / 100, 0.2 + seed / 100) for seed in range(4)),
    *(row("two-layer", seed, 0.7 + seed / 100, None, None, 0.3 + seed / 100) for seed in range(3)),
    *(row(CONSTRUCTED, name, 0.9, 0.0, 0.0) for name in ("uniform", "start")),
]
NETWORKS = [
    uniform(),
    *(broken_twin(uniform(), 0.1, seed) for seed in range(len(HAND) - 3)),
    *list(same_values().values())[:2],
]


def test_correlations_have_their_exact_values_within_families_and_pooled():
    found = {(one.measure, one.models): one for one in balance.correlations(HAND)}
    pools = ["all one-layer", "minimal", "minimal-contrastive"]
    expected = [(measure, name) for measure in ("balance_violation", "score_form_violation") for name in pools]
    stack = ["all one-layer", "all two-layer", "minimal", "minimal-contrastive", "two-layer"]
    assert list(found) == expected + [("stack_attention", name) for name in stack]
    counts = [found["stack_attention", name].count for name in stack]
    assert counts == [9, 3, 5, 4, 3]  # the constructed ones are not counted
    falling, rising = found["balance_violation", "minimal"].rho, found["balance_violation", "minimal-contrastive"].rho
    assert (falling.value, falling.low, falling.high) == pytest.approx((-1, -1, -1))
    assert (rising.value, rising.low, rising.high) == pytest.approx((1, 1, 1))
    assert found["stack_attention", "two-layer"].rho == found["stack_attention", "all two-layer"].rho
    # Violations 9 8 7 6 5 | 1 2 3 4 in rank, accuracies 1 2 3 4 5 | 6 7 8 9: squares of the differences sum up to 220.
    pooled = found["balance_violation", "all one-layer"].rho
    assert pooled.value == pytest.approx(1 - 6 * 220 / (9 * 80))
    assert -1 <= pooled.low <= pooled.value <= pooled.high <= 1
    assert found["score_form_violation", "minimal"].rho.value == 0  # a constant ranks nothing
    # Stack ranks 2 4.5 2 4.5 2, accuracy ranks 1 2 3 4 5: no correlation, ties sharing their mean rank.
    assert found["stack_attention", "minimal"].rho.value == pytest.approx(0)


def test_families_are_means_over_seeds_with_intervals_and_mean_variation_over_pairs():
    found = {one.family: one for one in balance.family_rows(HAND, NETWORKS)}
    assert list(found) == ["minimal", "minimal-contrastive", "two-layer", CONSTRUCTED]
    assert [one.seeds for one in found.values()] == [5, 4, 3, 2]
    first = found["minimal"]
    assert first.ood_accuracy.value == pytest.approx(0.82)
    assert first.ood_likeliest.value == pytest.approx(0.87)
    assert 0.8 <= first.ood_accuracy.low < 0.82 < first.ood_accuracy.high <= 0.84
    assert (first.id_accuracy.low, first.id_accuracy.value, first.id_accuracy.high) == pytest.approx((1, 1, 1))
    assert first.balance_violation.value == pytest.approx(0.48)
    assert found["two-layer"].balance_violation is None
    assert first.attention_variation == 0  # broken twins keep the attention
    expected = attention_variation(*NETWORKS[-2:])
    assert found[CONSTRUCTED].attention_variation == pytest.approx(expected)
    assert expected > 0.5


@pytest.fixture
def by_hand(monkeypatch):
    def rows(step):
        for own, network in zip(HAND, NETWORKS, strict=True):
            step(own.family)
            yield own, network

    monkeypatch.setattr(balance, "model_rows", rows)
    monkeypatch.setattr(balance, "models_to_measure", lambda: len(HAND))


def test_the_command_writes_tables_and_figure_the_same_bytes_each_time(by_hand, tmp_path, capsys):
    run_study("balance", tmp_path / "one")
    first = capsys.readouterr().out
    run_study("balance", tmp_path / "two")
    names = ["balance.png", "correlations.csv", "families.csv", "models.csv"]
    files = [sorted((tmp_path / run / "balance").iterdir()) for run in ("one", "two")]
    assert [file.name for file in files[0]] == [file.name for file in files[1]] == names
    for one, two in zip(*files, strict=True):
        assert one.read_bytes() == two.read_bytes()
    lines = (tmp_path / "one" / "balance" / "models.csv").read_text(encoding="utf-8").splitlines()
    assert lines[0] == ",".join(field.name for field in fields(ModelRow))
    assert lines[1] == "minimal,0,1.000000,0.800000,1.000000,0.850000,0.500000,0.250000,0.100000"
    assert lines[10] == "two-layer,0,1.000000,0.700000,1.000000,0.750000,,,0.300000"
    assert len(lines) == 1 + len(HAND)
    families = list(
        csv.DictReader((tmp_path / "one" / "balance" / "families.csv").read_text(encoding="utf-8").splitlines())
    )
    assert families[0]["ood_accuracy"] == "0.820000"
    assert families[2]["balance_violation"] == families[2]["balance_violation_low"] == ""
    assert "0.8200 [" in first
    assert "balance/models.csv, families.csv, correlations.csv, balance.png" in first


def test_a_study_that_there_is_not_is_refused_with_exit_code_two(simplibench, tmp_path):
    finished = simplibench("study", "nonsense", cwd=tmp_path)
    assert finished.returncode == 2
    assert finished.stdout == ""
    assert "no study nonsense; there are: balance, code, noise" in finished.stderr
    assert "Traceback" not in finished.stderr
    assert list(tmp_path.iterdir()) == []


def test_without_matplotlib_the_command_says_what_to_install(monkeypatch, by_hand, tmp_path):
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "matplotlib" else find(name))
    with pytest.raises(UsageError, match=r"matplotlib: pip install -e '\.\[studies\]'"):
        run_study("balance", tmp_path)
    assert list(tmp_path.iterdir()) == []


def size(picture):
    """Width and height of a PNG, from its header."""
    assert picture.startswith(b"\x89PNG\r\n\x1a\n")
    return int.from_bytes(picture[16:20], "big"), int.from_bytes(picture[20:24], "big")


def test_the_figure_is_a_png_that_depends_on_the_rows_and_on_nothing_else(tmp_path):
    moved = [replace(HAND[0], ood_accuracy=0.83), *HAND[1:]]
    for name, rows in (("one", HAND), ("two", HAND), ("moved", moved)):
        draw(rows, tmp_path / name)
    one, two, other = ((tmp_path / name).read_bytes() for name in ("one", "two", "moved"))
    assert one == two
    assert one != other
    assert size(one) == (1430, 572)
    assert b"Matplotlib" not in one  # its version would change the bytes


def table(name):
    with (COMMITTED / f"{name}.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def models():
    return table("models")


def of_family(models, name):
    return [own for own in models if own["family"] == name]


def numbers(rows, column):
    return np.array([float(own[column]) for own in rows])


def model_of(own):
    if own["family"] == CONSTRUCTED:
        return same_values()[own["seed"]]
    return load_reference(DYCK, int(own["seed"]), DYCK.family(own["family"])).model


def test_the_committed_models_are_every_trained_one_and_the_seven_constructed(models):
    expected = [(family.name, str(seed)) for family in DYCK.families for seed in family.seeds]
    expected += [(CONSTRUCTED, name) for name in same_values()]
    assert [(own["family"], own["seed"]) for own in models] == expected
    assert list(models[0]) == [field.name for field in fields(ModelRow)]
    assert len(models) == balance.models_to_measure()


@pytest.mark.parametrize(("family", "seed"), [("minimal", 7), ("minimal-contrastive", 16), ("two-layer", 1)])
def test_the_committed_row_of_a_model_is_the_recomputed_one(family, seed, models):
    (committed,) = (own for own in of_family(models, family) if own["seed"] == str(seed))
    splits = {name: limited(load_split(DYCK, name), count) for name, count in balance.PREFIXES.items()}
    found = flat(balance._measured(DYCK, family, str(seed), model_of(committed), splits))
    for name in ("balance_violation", "score_form_violation"):
        assert committed[name] == (found[name] or "")
    for name in (*ACCURACIES, "stack_attention"):
        assert float(committed[name]) == pytest.approx(float(found[name]), abs=0.002)


def test_the_committed_violations_of_every_one_layer_model_are_the_recomputed_ones(models):
    for own in models:
        if own["family"] in TWO_LAYER:
            assert own["balance_violation"] == own["score_form_violation"] == ""
            continue
        model = model_of(own)
        assert float(own["balance_violation"]) == pytest.approx(balance_violation(model), abs=2e-6)
        assert float(own["score_form_violation"]) == pytest.approx(score_form_violation(model), abs=2e-6)


def test_the_committed_accuracies_are_close_to_the_cards(models):
    """The study reads the first 1,000 and 300 prefixes of what the cards were measured on, 1,000 prefixes each."""
    for own in models:
        if own["family"] == CONSTRUCTED:
            assert [own[name] for name in ACCURACIES] == ["1.000000"] * 4
            continue
        card = load_card(DYCK, DYCK.family(own["family"])).checkpoint(own["seed"])
        assert own["id_accuracy"] == f"{card.confident['length-28']:.6f}"
        assert own["id_likeliest"] == f"{card.accuracy['length-28']:.6f}"
        assert float(own["ood_accuracy"]) == pytest.approx(card.confident["length-400-500"], abs=0.01)
        assert float(own["ood_likeliest"]) == pytest.approx(card.accuracy["length-400-500"], abs=0.01)


def test_the_committed_families_follow_from_the_committed_models(models):
    families = table("families")
    assert [own["family"] for own in families] == list(dict.fromkeys(own["family"] for own in models))
    for family in families:
        own = of_family(models, family["family"])
        assert int(family["seeds"]) == len(own)
        measures = ["id_accuracy", "ood_accuracy", "ood_likeliest"]
        if family["family"] in TWO_LAYER:
            assert family["balance_violation"] == family["balance_violation_low"] == ""
        else:
            measures.append("balance_violation")
        for measure in measures:
            values, bounds = numbers(own, measure), (0, np.inf if measure == "balance_violation" else 1)
            assert float(family[measure]) == pytest.approx(fmean(values), abs=ROUNDING)
            expected = mean_interval(np.repeat(np.array(values)[:, None], 2, axis=1), bounds)
            found = (float(family[f"{measure}_low"]), float(family[f"{measure}_high"]))
            assert found == pytest.approx((expected.low, expected.high), abs=ROUNDING)


def test_the_committed_attention_variations_are_the_recomputed_ones(models):
    for family in table("families"):
        networks = [model_of(own) for own in of_family(models, family["family"])]
        found = fmean(attention_variation(one, other) for one, other in combinations(networks, 2))
        assert float(family["attention_variation"]) == pytest.approx(found, abs=1e-4)


def attainable(values, outcome):
    """The least and the greatest rho if values that the table rounds to one figure were told apart."""
    found = []
    for sign in (-1, 1):
        broken = np.empty(len(values))
        broken[np.lexsort((sign * outcome, values))] = np.arange(len(values))
        found.append(spearmanr(broken, outcome).statistic)
    return found


def test_the_committed_correlations_follow_from_the_committed_models(models):
    found = {(own["measure"], own["models"]): own for own in table("correlations")}
    one_layer = [(measure, name) for measure in balance.MEASURES for name in ("all one-layer", *ONE_LAYER)]
    two_layer = [("stack_attention", name) for name in ("all two-layer", *TWO_LAYER)]
    assert found.keys() == {*one_layer, *two_layer}
    for (measure, name), correlation in found.items():
        own = [row for family in POOLS.get(name, [name]) for row in of_family(models, family)]
        assert int(correlation["count"]) == len(own)
        rho, low, high = (float(correlation[column]) for column in ("rho", "rho_low", "rho_high"))
        least, greatest = attainable(numbers(own, measure), numbers(own, "ood_accuracy"))
        assert least - 0.005 <= rho <= greatest + 0.005
        assert -1 <= low <= rho <= high <= 1


def test_the_committed_correlations_of_the_violation_are_those_of_its_rounded_values(models):
    for own in table("correlations"):
        if own["measure"] == "balance_violation":
            rows = [row for family in POOLS.get(own["models"], [own["models"]]) for row in of_family(models, family)]
            found = spearmanr(numbers(rows, "balance_violation"), numbers(rows, "ood_accuracy")).statistic
            assert float(own["rho"]) == pytest.approx(found, abs=0.005)


def test_the_committed_tables_have_the_columns_of_the_code():
    intervals = {"id_accuracy", "ood_accuracy", "ood_likeliest", "balance_violation", "rho"}
    for name, kind in (("families", FamilyRow), ("correlations", Correlation)):
        expected = [
            column
            for field in fields(kind)
            for column in (
                [field.name, f"{field.name}_low", f"{field.name}_high"] if field.name in intervals else [field.name]
            )
        ]
        assert list(table(name)[0]) == expected


def test_the_committed_figure_is_that_of_the_committed_models(models, tmp_path):
    """But for the rounding of the table, which moves points by less than a tenth of a pixel; each is 80 pixels large."""
    rows = [
        ModelRow(own["family"], own["seed"], *(float(text) if text else None for text in list(own.values())[2:]))
        for own in models
    ]
    draw(rows, tmp_path / "again.png")
    committed, again = (imread(file) for file in (COMMITTED / "balance.png", tmp_path / "again.png"))
    assert committed.shape == again.shape
    assert np.mean(np.abs(committed - again).max(-1) > 0.2) < 0.0005  # 400 pixels


def test_balance_tells_families_apart_and_not_the_seeds_of_one_as_the_readme_says():
    rho = {(own["measure"], own["models"]): own for own in table("correlations")}
    between, within = rho["balance_violation", "all one-layer"], rho["balance_violation", "minimal"]
    assert float(between["rho_high"]) < 0 < float(within["rho_low"])
