"""What the committed records say, against what theory demands and the paper reports; directions, not table values."""

import csv
import re
from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
import torch
from explainer_kit import ARENA

from simplibench.board import boards
from simplibench.board.codec import bits_text
from simplibench.board.render import interval_text, rank_text
from simplibench.harness.explainer.context import LEAST_DISAGREEMENT
from simplibench.models import Site, load_reference
from simplibench.models.theory.bank import DELTA
from simplibench.records import COMMITTED, BankTable, ExplainerCounts, load_all
from simplibench.records.explainer import PAIR_KINDS
from simplibench.registry import BASELINES, all_tasks, terms
from simplibench.tasks import Component, load_split, splits
from simplibench.tasks.bounded_dyck import CLOSE, OPEN
from simplibench.tasks.bounded_dyck import task as DYCK
from simplibench.tasks.bracket_maskings import EACH, GROUP, RECENT
from simplibench.tasks.dyck import MAX_DEPTH, draws, first_sentences, sentences

EXPLANATIONS = "dyck-2-4/explanations"
ATTENTION = ["dyck-20-10/attention.0", "dyck-20-10/attention.1"]
LANGUAGES = ["java", "javascript", "go", "c", "cpp", "rust"]
ROOT = BASELINES.parent


@pytest.fixture(scope="module")
def records():
    return [stored.record for stored in load_all(COMMITTED) if stored.record.seed != "untrained"]


def agreement(records, entry, arena, split):
    """Of every reference, by seed."""
    found = {
        record.seed: record.splits[split].agreement
        for record in records
        if (record.entry, record.arena) == (entry, arena)
    }
    assert sorted(found) == [0, 1, 2, 3, 4]
    return np.array([found[seed] for seed in sorted(found)])


def test_identity_is_one_and_the_constant_zero_on_every_split_of_every_record(records):
    ends = {"Identity()": 1, "Constant()": 0}
    found = [(record, ends[record.entry]) for record in records if record.entry in ends]
    measured = {record.arena for record in records}  # of code-python only some arenas
    arenas = {f"{task.name}/{arena.name}": arena for task in all_tasks().values() for arena in task.arenas}
    components = [arena for name, arena in arenas.items() if name in measured and isinstance(arena, Component)]
    assert len(found) == 2 * sum(len(arena.seeds) for arena in components)
    for record, end in found:
        assert {split.faithfulness for split in record.splits.values()} == {end}


@pytest.mark.parametrize("arena", ATTENTION)
def test_agreement_of_svd_rises_with_rank_on_every_split(arena, records, task):
    for split in list(task.roles)[1:]:
        means = [agreement(records, f"SVD(rank={rank})", arena, split).mean() for rank in (1, 2, 4, 8, 16)]
        assert all(later >= earlier - 1e-4 for earlier, later in pairwise(means)), (split, means)


def test_agreement_of_svd_rises_with_rank_in_the_stream_once_it_leaves_chance(records, task):
    for split in list(task.roles)[1:]:
        means = [
            agreement(records, f"SVD(rank={rank})", "dyck-20-10/residual.0", split).mean() for rank in (1, 2, 4, 8, 16)
        ]
        assert means[:2] == pytest.approx([0.05, 0.05], abs=0.02)  # 20 kinds of brackets
        assert means[1:] == sorted(means[1:])


@pytest.mark.parametrize("entry", ["SVD(rank=8)", "OneHotAttention()", "KMeans(clusters=1024, iterations=30)"])
def test_on_every_reference_iid_agreement_exceeds_that_on_unseen_depth(entry, records):
    gap = agreement(records, entry, ATTENTION[1], "iid") - agreement(records, entry, ATTENTION[1], "unseen-depth")
    assert (gap > 0.02).all()


def test_how_much_of_the_drop_is_length_is_what_the_page_says(records):
    header, *lines = excerpt("docs/findings.md", ["entry", "drop"])
    assert header == ["entry", "drop", "on the control already"]
    for entry, drop, share in lines:
        iid, control, depth = (
            agreement(records, entry, ATTENTION[1], split).mean() for split in ("iid", "long-shallow", "unseen-depth")
        )
        assert (drop, share) == (f"{iid - depth:.3f}", f"{100 * (iid - control) / (iid - depth):.0f} %")
    assert [entry for entry, *_ in lines] == [
        "OneHotAttention()", "SVD(rank=8)", "KMeans(clusters=1024, iterations=30)", "SVD(rank=4)"
    ]  # fmt: skip


def test_one_hot_attention_in_the_first_layer_is_worse_than_the_constant_on_every_split(records):
    splits = [
        split
        for record in records
        if (record.entry, record.arena) == ("OneHotAttention()", ATTENTION[0])
        for split in record.splits.values()
    ]
    assert len(splits) == 5 * 6
    assert max(split.faithfulness for split in splits) < 0
    assert f"at most {max(split.agreement for split in splits):.2f} of the positions" in page("docs/findings.md")


def test_a_proxy_can_generalize_better_than_the_model(records):
    found = [r.splits["unseen-depth"] for r in records if (r.entry, r.arena) == ("OneHotAttention()", ATTENTION[1])]
    assert all(split.proxy_accuracy > split.reference_accuracy for split in found)


def test_one_hot_attention_departs_with_depth_as_the_page_says(records):
    counted = {}
    for record in records:
        if (record.entry, record.arena) == ("OneHotAttention()", ATTENTION[1]):
            for depth, stratum in record.splits["unseen-depth"].strata["depth"].items():
                positions, agreeing = counted.get(int(depth), (0, 0.0))
                counted[int(depth)] = (positions + stratum.positions, agreeing + stratum.positions * stratum.agreement)
    share = {depth: agreeing / positions for depth, (positions, agreeing) in counted.items()}
    assert all(value > 0.9 for depth, value in share.items() if depth <= 9)
    assert all(value < 0.4 for depth, value in share.items() if depth >= 16)


def page(name):
    """A page of the repository, its lines joined."""
    return " ".join((ROOT / name).read_text(encoding="utf-8").split())


def excerpt(name, first):
    """The table of a page whose first column is called so, as cells."""
    blocks = re.findall(r"```text\n(.*?)```", (ROOT / name).read_text(encoding="utf-8"), flags=re.DOTALL)
    (block,) = [block for block in blocks if re.split(r" {2,}", block.splitlines()[0])[: len(first)] == first]
    return [re.split(r" {2,}", line) for line in block.strip().splitlines()]


def test_the_excerpt_of_entries_is_what_the_command_prints(simplibench):
    header, *lines = excerpt("docs/findings.md", ["entry", "bits"])
    printed = [re.split(r" {2,}", line.strip()) for line in simplibench("info", ATTENTION[1]).stdout.splitlines()]
    (columns,) = [line for line in printed if line[:2] == ["entry", "bits"]]
    table = {line[0]: dict(zip(columns, line, strict=True)) for line in printed if len(line) == len(columns)}
    for line in lines:
        assert dict(zip(header, line, strict=True)).items() <= table[line[0]].items()


@pytest.fixture(scope="module")
def rows():
    return boards(load_all(COMMITTED, arenas={EXPLANATIONS, ATTENTION[1]}), terms())


def ranked(rows, arena):
    return [row for board in rows if board.arena == arena for row in board.rows if row.rank_low is not None]


def test_the_readmes_excerpt_is_what_the_leaderboard_says(rows):
    cells = {"OOD score": lambda row: interval_text(row.score), "gap": lambda row: interval_text(row.gap)}
    cells |= {"rank": rank_text, "submission": lambda row: row.submission, "bits per token": bits_text}
    header, *lines = excerpt("README.md", ["rank"])
    assert lines == [[cells[name](row) for name in header] for row in ranked(rows, ATTENTION[1])]


def test_the_excerpt_of_explainers_is_what_the_leaderboard_says(rows):
    header, *lines = excerpt("docs/explainers.md", ["submission"])
    assert header == ["submission", "OOD", "ID", "equivalence", "intervention"]
    assert lines == [
        [row.submission, *(f"{value:.3f}" for value in (row.score.value, row.id_score.value, *measures(row)))]
        for row in ranked(rows, EXPLANATIONS)
    ]


def measures(row):
    return row.figures["equivalence"], row.figures["intervention"]


def explained(records, submission, split, figure):
    """A figure of every bank, by seed."""
    found = {
        record.seed: getattr(record.splits[split], figure)
        for record in records
        if (record.arena, record.submission) == (EXPLANATIONS, submission)
    }
    assert sorted(found) == [0, 1, 2, 3, 4]
    return [found[seed] for seed in sorted(found)]


@pytest.mark.parametrize("split", ["length-28", "length-100", "length-400-500"])
def test_attention_cannot_tell_a_broken_model_from_its_twin_on_any_bank(split, records):
    for by_kind in explained(records, "attention-row", split, "equivalence_by_kind"):
        assert by_kind["broken"] < 0.1
        assert by_kind["swapped"] < 0.1


@pytest.mark.parametrize("split", ["length-28", "length-100", "length-400-500"])
def test_explanations_that_do_not_read_the_model_are_at_chance(split, records):
    for control in ("random-attribution", "uniform-attribution", "last-token"):
        assert explained(records, control, split, "equivalence") == [0.5] * 5


@pytest.mark.parametrize("split", ["length-28", "length-100", "length-400-500"])
def test_only_who_hides_pairs_together_knows_what_hiding_a_pair_does(split, records):
    alone = explained(records, "token-occlusion", split, "intervention_by_masking")
    together = explained(records, "pair-occlusion", split, "intervention_by_masking")
    for one, both in zip(alone, together, strict=True):
        assert both["matched pair"] > 0.9
        assert both["matched pair"] > one["matched pair"] + 0.1
        assert one["token"] > 0.9 > both["token"]


def kmeans(clusters):
    return f"KMeans(clusters={clusters}, iterations=30)"


def test_attention_of_two_layers_agrees_at_the_trained_length_and_departs_beyond(records):
    arena = "dyck-2-4/attention.1"
    for entry in ("OneHotAttention()", *map(kmeans, (64, 128, 256, 512, 1024))):
        near, far = (agreement(records, entry, arena, split) for split in ("length-28", "length-400-500"))
        assert near.min() > 0.99
        assert far.mean() < near.mean() - 0.05
    assert agreement(records, kmeans(32), arena, "length-28").min() < 0.99
    constant = agreement(records, "Constant()", arena, "length-28")
    assert f"constant code agrees on {constant.min():.2f} to {constant.max():.2f}" in page("docs/findings.md")


def test_clustering_a_single_layer_is_exact_from_64_clusters_and_not_from_32(records):
    arena, split = "dyck-2-4/attention", "length-400-500"
    (positions,) = {
        record.splits[split].positions for record in records if (record.entry, record.arena) == ("Identity()", arena)
    }
    exact = np.array([agreement(records, kmeans(clusters), arena, split) for clusters in (64, 128, 256, 512, 1024)])
    most = round((1 - exact.min()) * positions)
    coarse = agreement(records, kmeans(32), arena, split)
    said = page("docs/findings.md")
    assert f"in at most {most} of {positions:,} positions" in said
    assert f"agrees on {coarse.min():.4f} to {coarse.max():.4f} of them" in said


def test_queries_and_keys_of_a_single_layer_are_34_vectors(records):
    model = load_reference(DYCK, 0, DYCK.family("minimal")).model
    split = load_split(DYCK, "length-28")
    tokens = torch.from_numpy(np.stack([split.sequences[index] for index in range(200)]).astype(np.int64))
    heads = model.prefix(tokens, Site(0, "query+key")).streams
    vectors = torch.cat([heads[name].flatten(0, 2) for name in ("query", "key")])
    assert len(vectors.round(decimals=4).unique(dim=0)) == 34


def test_accuracy_over_every_open_bracket_is_lower_as_the_page_says():
    """Of the plain family, by the paper's count and by ours; fewer prefixes than the page's 300, so nearly."""
    texts = list(map(load_split(DYCK, "length-400-500").sequences.__getitem__, range(12)))
    ours, theirs = np.mean([both_accuracies(seed, texts) for seed in DYCK.family("minimal").seeds], axis=0)
    said = re.search(r"is ([\d.]+) by our count and ([\d.]+) by theirs", page("docs/findings.md"))
    (row,) = [row for row in table("balance/families") if row["family"] == "minimal"]
    assert said[1] == f"{float(row['ood_accuracy']):.3f}"
    assert theirs == pytest.approx(float(said[2]), abs=0.01)
    assert ours - theirs == pytest.approx(float(said[1]) - float(said[2]), abs=0.004)


def both_accuracies(seed, texts):
    """The share with P(right) / P(any closing bracket) > 0.8, where a closing bracket follows, and where one is open."""
    model = load_reference(DYCK, seed, DYCK.family("minimal")).model
    sure, closes = [], []
    with torch.no_grad():
        for text in texts:
            right = np.array(open_brackets(text.tolist()))
            logits = model(torch.from_numpy(text.astype(np.int64))[None])[0, :, CLOSE:].softmax(-1).numpy()
            asked = np.flatnonzero(right >= 0)
            sure.append(logits[asked, right[asked]] > DYCK.confidence)
            closes.append(np.append(text, 0)[asked + 1] >= CLOSE)
    return np.concatenate(sure)[np.concatenate(closes)].mean(), np.concatenate(sure).mean()


def open_brackets(text):
    """The type of the innermost open bracket after each token, -1 where none is open."""
    stack, types = [], []
    for token in text:
        if OPEN <= token < CLOSE:
            stack.append(token - OPEN)
        elif token >= CLOSE:
            stack.pop()
        types.append(stack[-1] if stack else -1)
    return types


def test_as_many_fresh_draws_repeat_a_training_sentence_as_the_page_says(task):
    taken = set(sentences(splits.load_training(task)))
    repeats = np.mean([text in taken for text in sentences(first_sentences(draws(99, MAX_DEPTH), 50_000))])
    assert f"{100 * repeats:.0f} % of fresh draws repeat a training sentence" in page("docs/findings.md")


def table(name):
    return list(csv.DictReader((ROOT / "docs" / f"{name}.csv").read_text(encoding="utf-8").splitlines()))


def test_references_move_scores_more_than_sentences_in_as_many_arenas_as_the_page_says():
    wins = Counter()
    for row in table("noise/sources"):
        over = [float(row[f"score_over_{what}"]) for what in ("references", "sentences")]
        wins[row["arena"]] += int(np.sign(over[0] - over[1]))
    codecs = [wins[arena] for arena in wins if arena != EXPLANATIONS]
    assert wins[EXPLANATIONS] < 0
    said = f"In {sum(count > 0 for count in codecs)} of the {len(codecs)} arenas of codecs the choice of references"
    assert said in page("docs/findings.md")


def test_the_spread_of_refits_is_what_the_page_says():
    spread = {
        method: [float(row["score_deviation"]) for row in table("noise/refits") if row["submission"] == method]
        for method in ("kmeans", "random-projection")
    }
    assert {row["fits"] for row in table("noise/refits")} == {"5"}
    kmeans_spread, projection = (f"{min(own):.3f} to {max(own):.3f}" for own in spread.values())
    said = f"a standard deviation of {kmeans_spread}, by arena; that of the random projection, {projection}."
    assert said in page("docs/findings.md")


def test_correlation_of_balance_within_the_plain_family_is_what_the_page_says():
    (row,) = [
        row
        for row in table("balance/correlations")
        if (row["measure"], row["models"]) == ("balance_violation", "minimal")
    ]
    rho, low, high = (float(row[name]) for name in ("rho", "rho_low", "rho_high"))
    assert f"{rho:.2f} [{low:.2f}, {high:.2f}]" in page("docs/explainers.md")


def test_attention_cannot_differ_between_a_model_and_its_broken_or_swapped_twin():
    stored = load_all(COMMITTED, arenas={EXPLANATIONS})
    same, values_only = PAIR_KINDS.index("same"), [PAIR_KINDS.index(kind) for kind in ("broken", "swapped")]
    for one in (one for one in stored if one.record.submission in ("attention-row", "attention-rollout")):
        bank, counts = one.ground(BankTable), one.counts(ExplainerCounts)
        assert not counts.distance[np.isin(bank.pair_kind, values_only)].any()
        assert len(np.unique(bank.pair[bank.pair_kind == same])) == 42


def test_the_bank_is_what_the_page_says(bank):
    trained = [name for name in bank.models if name in {family.name for family in DYCK.families}]
    constructed = [name.removesuffix(" broken") for name in bank.models if name.endswith(" broken")]
    kinds = Counter(pair.kind for pair in bank.pairs)
    between = [pair for pair in bank.pairs if pair.kind == "same" and {pair.first, pair.second} <= set(constructed)]
    assert (len(bank.models), len(trained), len(constructed), len(between)) == (42, 6, 9, 36)
    assert kinds == {"same": 42, "broken": 9, "swapped": 11, "retrained": 3}
    assert bank.masked == ["uniform", "same values, uniform", "same values, depth", *trained]
    assert (DELTA, tuple(ARENA.cases.values()), LEAST_DISAGREEMENT) == (0.3, (24, 16, 6), 0.1)
    assert (EACH, GROUP, RECENT) == (12, (3, 8), 8)
    said = page("docs/explainers.md")
    for words in (
        "holds 42 models",
        "36 of the 42 pairs",
        "1 + 0.3 z",
        "24, 16 and 6 sentences",
        "twelve of each kind",
    ):
        assert words in said


def test_the_first_layer_of_code_is_harmed_in_faithfulness_as_the_page_says(records):
    def means(entry, figure, splits):
        found = {
            record.seed: np.mean([getattr(record.splits[split], figure) for split in splits])
            for record in records
            if (record.entry, record.arena) == (entry, "code-python/attention.0")
        }
        return found[0], found[1]

    said = page("docs/real-code.md")
    (near, far) = (means(kmeans(256), "faithfulness", splits) for splits in (["id"], LANGUAGES))
    falls = [f"from {high:.2f} to {low:.2f}" for high, low in zip(near, far, strict=True)]
    assert " and ".join(falls) in said
    for entry, words in ((kmeans(256), "agrees with the two references in"), ("Constant()", "agrees in")):
        assert "{} {:.2f} and {:.2f}".format(words, *means(entry, "agreement", LANGUAGES)) in said


def test_the_heads_are_what_the_page_says():
    said, heads = page("docs/real-code.md"), table("code/heads")
    induction = [row for row in heads if (row["layer"], row["head"]) == ("3", "3")]
    others = [row for row in heads if row not in induction]
    first_layer = [row for row in others if row["layer"] == "0" and value(row, "ablation_on_repeated") > 0.3]
    assert len(induction) == 2
    assert len(first_layer) == 4

    def pair(column, rows=induction):
        return " and ".join(f"{value(row, column):.2f}" for row in rows)

    nexts = [max(value(row, "gap_on_repeated") for row in others if row["seed"] == seed) for seed in ("0", "1")]
    costs = [100 * value(row, "ablation_on_repeated") for row in first_layer]
    on_new = [100 * value(row, "ablation_on_new") for row in first_layer]
    assert max(costs) > min(costs) > 100 * max(value(row, "ablation_on_repeated") for row in induction)
    for words in (
        f"{pair('induction')} of its attention",
        f"The next head has {max(value(row, 'induction') for row in others):.3f}.",
        f"on repeated identifiers {pair('gap_on_repeated')}, where the next head has {nexts[0]:.2f} and {nexts[1]:.2f}",
        f"{min(costs):.0f} to {max(costs):.0f} points; these cost {min(on_new):.0f} to {max(on_new):.0f} points on new",
    ):
        assert words in said, words
    assert {f"{value(row, 'gap'):.2f}" for row in induction} == {"0.10"}
    for row in induction:
        alone = f"{100 * value(row, 'ablation_on_repeated'):.0f} ["
        assert alone in said
        assert value(row, "gap") == max(value(other, "gap") for other in heads if other["seed"] == row["seed"])


def value(row, column):
    return float(row[column])
