"""Regression checks: what pairs with what, what counts as worse, and how the command tells."""

import dataclasses
import inspect
import math
import subprocess
import sys

import numpy as np
import pytest

from simplibench import evaluate
from simplibench.audit import baseline_records as recorded_module
from simplibench.board.regression import RUNTIME_FACTOR, Comparison, Limits, Quartiles
from simplibench.board.tracks import compare
from simplibench.cli import check as command
from simplibench.errors import UsageError
from simplibench.harness.again import units_again
from simplibench.harness.runner import Runner
from simplibench.harness.unit import RunConfig
from simplibench.plugin.proxies import Proxy
from simplibench.records import (
    BankTable,
    CodecRecord,
    Counts,
    ExplainerCounts,
    ExplainerRecord,
    GroundCounts,
    Protocol,
    Stored,
    load,
    save,
)
from simplibench.registry import find_method, load_task

ARENA, LIMIT, FEWER = "dyck-20-10/residual.0", 12, 6
SENTENCES, CASES, FLOOR = 100, 5, 4
SPLITS = ("iid", "far")
IDENTITY = "k: int\ndef encode(self, state, x): return x\ndef decode(self, state, code): return code"
LIMITS = Limits()


@dataclasses.dataclass(frozen=True)
class Table:
    """Stands in for a stored record: its tables are at hand."""

    record: CodecRecord | ExplainerRecord
    tables: tuple[object, object]
    path: str = "made up"

    def ground(self, kind):
        return self.tables[0]

    def counts(self, kind):
        return self.tables[1]


def codec(
    disagree, sentences=SENTENCES, positions=CASES, status="ok", splits=SPLITS, bits=64.0, forward=(0.9, 1.0, 1.1)
):
    """A record whose proxy disagrees `disagree(split, sentence)` times a sentence."""
    total = sentences * len(splits)
    counted = np.array([disagree(split, number) for split in splits for number in range(sentences)])
    ground = GroundCounts(
        np.repeat(np.arange(len(splits)), sentences),
        np.full(total, positions),
        np.zeros(total),
        np.full(total, FLOOR),
        np.zeros(total),
    )
    runtime = dataclasses.make_dataclass("Runtime", ["forward_ratio_low", "forward_ratio", "forward_ratio_high"])
    record = CodecRecord.model_construct(
        track="codec",
        arena="toy/attention",
        entry="E()",
        seed=0,
        status=status,
        reason="fit: no" if status == "failed" else None,
        splits=dict.fromkeys(splits),
        bits_per_token=bits,
        runtime=runtime(*forward),
    )
    return Table(record, (ground, Counts(counted, counted * 0, counted, counted * 0)))


def test_a_record_made_again_on_its_first_sentences_shows_no_difference_at_all():
    def errors(split, number):
        return number % 3 if number < 50 else 4

    found = compare(codec(errors), codec(errors, sentences=40))
    assert [change.split for change in found.changes] == list(SPLITS)
    for change in found.changes:
        # Of the first 40 sentences alone: 0, 1, 2, 0, ... of a floor of 4 each; the later ones are worse.
        assert change.recorded == change.now == pytest.approx(1 - (13 * 3) / (40 * FLOOR))
        assert (change.difference.low, change.difference.value, change.difference.high) == (0, 0, 0)
    assert found.problems(LIMITS) == []


def test_a_split_that_fell_is_told_alone_and_tolerance_forgives_it():
    worse = codec(lambda split, number: 2 if split == "far" else 1)
    found = compare(codec(lambda split, number: 1), worse)
    assert [change.fell(LIMITS) for change in found.changes] == [False, True]
    # One more of a floor of four in every sentence: the difference is the same in every resample.
    (problem,) = found.problems(LIMITS)
    assert problem == ("faithfulness on far fell from 0.750 to 0.500, the difference is -0.250 [-0.250, -0.250]")
    assert found.problems(Limits(tolerance=0.26)) == []
    assert found.problems(Limits(tolerance=0.24)) == [problem]


def test_a_difference_that_the_sentences_leave_open_is_no_regression():
    found = compare(codec(lambda s, n: 1), codec(lambda s, n: 1 + (n % 4 == 0) - (n % 5 == 0)))
    for change in found.changes:
        assert change.difference.value == pytest.approx(-5 / 400)
        assert change.difference.low < 0 < change.difference.high
    assert found.problems(LIMITS) == []


def test_differences_are_paired_so_that_hard_sentences_do_not_widen_them():
    def hard(split, number):
        return 4 * (number % 2)

    found = compare(codec(hard), codec(lambda s, n: max(hard(s, n) - 1, 0)))
    change = found.changes[0]
    # Half the sentences gain one of four: a binomial of 100, not the spread of 0s and 4s.
    assert change.difference.value == pytest.approx(1 / 8)
    assert change.difference.high - change.difference.low < 0.06


def test_a_faithfulness_that_rose_is_no_regression():
    assert compare(codec(lambda s, n: 2), codec(lambda s, n: 1)).problems(LIMITS) == []


@pytest.mark.parametrize(("now", "dearer"), [(64.0, False), (64.05, False), (64.1, True), (32.0, False)])
def test_a_rate_may_not_rise_by_more_than_rounding(now, dearer):
    found = compare(codec(lambda s, n: 1), codec(lambda s, n: 1, bits=now))
    assert found.problems(LIMITS) == ([f"the rate rose from 64.00 to {now:.2f} bits a token"] if dearer else [])


@pytest.mark.parametrize(
    ("now", "slower"), [((1.0, 1.2, 1.4), False), ((2.1, 2.5, 2.9), False), ((2.3, 2.5, 2.9), True)]
)
def test_a_runtime_grew_where_its_lower_quartile_passes_the_factor_times_the_recorded_upper_one(now, slower):
    found = compare(codec(lambda s, n: 1), codec(lambda s, n: 1, forward=now))
    assert bool(found.problems(LIMITS)) == slower  # 2 times 1.1 is 2.2
    if slower:
        assert found.slower(LIMITS) == [
            "the runtime grew from 1.00 (upper quartile 1.10) to 2.50 (lower quartile 2.30) times the reference's, "
            "beyond the factor 2"
        ]
        assert found.slower(Limits(runtime_factor=2.1)) == []


def test_an_entry_that_fails_now_or_lacks_a_split_is_a_problem_and_other_sentences_are_refused():
    whole = codec(lambda s, n: 1)
    assert compare(whole, codec(lambda s, n: 1, status="failed")).problems(LIMITS) == ["it failed: fit: no"]
    assert compare(whole, codec(lambda s, n: 1, splits=("iid",))).problems(LIMITS) == ["not run on far: no data here"]
    with pytest.raises(ValueError, match="iid: not of the sentences that the task has now"):
        compare(whole, codec(lambda s, n: 1, positions=4))


def explainer(distance, cases, ratio=2.0):
    """Two pairs of equal and two of different function, two models under two kinds of masking, on `cases` cases."""
    pairs = [(0, 0 if pair < 2 else 1, pair, case) for pair in range(4) for case in range(cases)]
    masked = [(0, kind, 0, model, case) for kind in range(2) for model in range(2) for case in range(cases)]
    bank = BankTable(*np.array(pairs).T, *np.array(masked).T)
    counts = ExplainerCounts(
        np.array([distance(pair, case) for _, _, pair, case in pairs]), np.full(len(masked), 500_000)
    )
    split, runtime = (
        dataclasses.make_dataclass(name, [field]) for name, field in (("S", "cases"), ("R", "forward_ratio"))
    )
    record = ExplainerRecord.model_construct(
        track="explainer",
        arena="toy/explanations",
        entry="E()",
        seed=0,
        status="ok",
        splits={"iid": split(cases)},
        runtime=runtime(ratio),
    )
    return Table(record, (bank, counts))


def test_explainers_are_compared_on_the_cases_that_both_records_have():
    def tells_apart(pair, case):
        return 10 * pair if case < 4 else 0  # later cases tell nothing

    def confuses(pair, case):
        return 10 * (3 - pair)

    same = compare(explainer(tells_apart, 8), explainer(tells_apart, 4))
    assert [(one.measure, one.recorded, one.now) for one in same.changes] == [
        ("equivalence", 1.0, 1.0),
        ("intervention", 0.5, 0.5),
    ]
    assert same.problems(LIMITS) == []
    assert same.runtimes is None  # one number for all cases: not comparable on some
    worse = compare(explainer(tells_apart, 8), explainer(confuses, 4))
    assert worse.problems(LIMITS)[0].startswith("equivalence on iid fell from 1.000 to 0.000")


def test_the_runtime_of_an_explainer_is_compared_where_the_cases_are_the_same():
    found = compare(explainer(lambda p, c: p, 4), explainer(lambda p, c: p, 4, ratio=4.5))
    assert found.runtimes == (Quartiles(2.0, 2.0, 2.0), Quartiles(4.5, 4.5, 4.5))
    assert len(found.slower(LIMITS)) == 1


def test_the_command_line_and_the_plugin_allow_the_same_growth():
    defaults = (inspect.signature(command.check), inspect.signature(Proxy.must_be_as_fast_as))
    assert [own.parameters[name].default for own, name in zip(defaults, ("runtime_factor", "factor"), strict=True)] == [
        RUNTIME_FACTOR
    ] * 2


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    """Records of two entries of an identity, made as users make them, with a limit."""
    folder = tmp_path_factory.mktemp("recorded")
    text = "import torch\nfrom simplibench import Codec, Submission\n\nclass Own(Codec):\n"
    text += "".join(f"    {line}\n" for line in IDENTITY.splitlines())
    text += "\nsubmission = Submission(name='own', authors=('a',), citation='r', entries=[Own(k=1), Own(k=2)])\n"
    file = folder / "own.py"
    file.write_text(text, encoding="utf-8")
    evaluate(file, arenas=["residual.0"], seeds=[0], limit=LIMIT, in_process=True, output=folder / "out", device="cpu")
    return folder / "out"


@pytest.fixture
def check(recorded):
    def run(file, **changes):
        options = command.Options(
            submission=str(file),
            against=recorded,
            arenas=None,
            every=False,
            seed=None,
            limits=LIMITS,
            limit=FEWER,
            device="cpu",
            timeout=60.0,
            in_process=True,
        )
        return command.check_submission(dataclasses.replace(options, **changes))

    return run


@pytest.mark.parametrize(("name", "label"), [("one-hot-attention", "OneHotAttention()"), ("svd", "SVD(rank=4)")])
def test_fewer_sentences_may_be_compared_than_fits_and_rates_are_made_of(name, label, tmp_path):
    def counts(stored, split):
        rows = np.flatnonzero(stored.ground(GroundCounts).split == split)
        return stored.ground(GroundCounts).floor_disagree[rows], stored.counts(Counts).disagree[rows]

    arena = "dyck-20-10/attention.1"
    made = []
    for sentences in (None, FEWER):
        config = RunConfig(device="cpu", limit=LIMIT, in_process=True, timeout=60.0, compared=sentences)
        runner = Runner(config, tmp_path / str(sentences), fresh=True)
        made += runner.score(units_again(runner, find_method(name), {(arena, 0): frozenset({label})}))
    whole, fewer = made
    for index, split in enumerate(whole.record.splits):
        for ours, theirs in zip(counts(whole, index), counts(fewer, index), strict=True):
            assert len(theirs) == FEWER < len(ours) == LIMIT
            assert ours[:FEWER].tolist() == theirs.tolist()
        assert whole.record.splits[split].bits_per_token == fewer.record.splits[split].bits_per_token > 0


def test_an_unchanged_submission_passes_and_a_changed_file_is_only_told(check, submission_file, capsys):
    path = submission_file(IDENTITY, "[Own(k=1), Own(k=2), Own(k=3)]")
    assert check(path) == 0
    printed = capsys.readouterr()
    assert "dyck-20-10/residual.0, reference 0" in printed.out
    assert printed.out.count("0.000 [0.000, 0.000]  ok") == 2 * 6
    assert "1024.00" in printed.out
    assert (
        "another version of its file than the recorded one: 2 recorded entries checked, none got worse" in printed.out
    )
    assert "without a record, and so not checked: Own(k=3)" in printed.err


def test_a_submission_that_got_worse_fails_with_every_reason(check, submission_file, capsys):
    body = (
        "k: int\ndef encode(self, state, x):\n    if self.k == 2: raise ArithmeticError('no')\n"
        "    return torch.cat([x, x], 1)\ndef decode(self, state, code): return code[:, :32] * 0"
    )
    assert check(submission_file(body, "[Own(k=1), Own(k=2)]")) == 1
    printed = capsys.readouterr()
    assert "Own(k=1) in dyck-20-10/residual.0 on reference 0: faithfulness on iid fell from 1.000 to " in printed.err
    assert "the rate rose from 1024.00 to 2048.00 bits a token" in printed.err
    assert "Own(k=2) in dyck-20-10/residual.0 on reference 0: it failed: encode: expected a result" in printed.err
    assert "2 recorded entries checked, 2 got worse or are gone" in printed.out
    assert "fell" in printed.out
    assert check(submission_file(body, "[Own(k=1)]"), limits=Limits(tolerance=2.0)) == 1  # the rate, and what is gone
    printed = capsys.readouterr()
    assert "faithfulness" not in printed.err
    assert "Own(k=2) in dyck-20-10/residual.0 on reference 0: the submission has no such entry any more" in printed.err


def test_one_record_file_is_checked_alone(check, recorded, submission_file, capsys):
    (file,) = recorded.rglob("Own-k-2*.json")
    assert check(submission_file(IDENTITY, "[Own(k=1), Own(k=2)]"), against=file) == 0
    assert "1 recorded entries checked" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"against": "empty"}, r"no record of own in .*empty; `simplibench run .*own\.py --output .*empty` makes them"),
        ({"against": "nowhere"}, "--against .*nowhere: no such file or folder of records"),
        (
            {"against": None},
            r"no record of own in the committed records or results/; `simplibench run .*own\.py` makes",
        ),
        ({"arenas": ["attention.7"]}, r"no record in attention\.7; there are records in dyck-20-10/residual\.0"),
        ({"seed": "3"}, r"no record in dyck-20-10/residual\.0 on reference 3; there are: 0"),
        ({"seed": "x"}, "--seed must be 0, 1, ... or untrained, got x"),
        (
            {"limits": Limits(tolerance=-1)},
            "--tolerance must be at least 0 and --runtime-factor at least 1.*, got -1 and",
        ),
        ({"limits": Limits(tolerance=math.nan)}, "--tolerance must be at least 0 and .*, both finite, got nan and"),
        ({"limits": Limits(runtime_factor=math.inf)}, "--runtime-factor at least 1, both finite, got 0 and inf"),
        ({"timeout": math.inf}, "--timeout must be a number of seconds, at least 0.1 and at most 2,000,000, got inf"),
    ],
)
def test_what_cannot_be_checked_is_refused_with_what_to_do(
    changes, text, check, submission_file, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    if changes.get("against"):
        changes = {"against": tmp_path / changes["against"]}
    with pytest.raises(UsageError, match=text):
        check(submission_file(IDENTITY, "[Own(k=1)]"), **changes)


def altered(recorded, folder, **changes):
    """The records elsewhere, with other contents under seals that hold."""
    for path in recorded.rglob("*.json"):
        stored: Stored = load(path)
        record = CodecRecord.sealed(**(stored.record.model_dump(exclude={"sha256"}) | changes))
        save(folder, record, stored.counts(Counts), stored.ground(GroundCounts))
    return folder


def test_records_of_another_protocol_are_refused(check, recorded, submission_file, tmp_path):
    old = Protocol(task_version=9, scoring_version=1, sha256="d" * 64).model_dump()
    folder = altered(recorded, tmp_path / "old", protocol=old)
    text = r"made under protocol 9\.1 \(dddddddd\), the present one is .*cannot be compared; make it again .*check --against"
    with pytest.raises(UsageError, match=text):
        check(submission_file(IDENTITY, "[Own(k=1)]"), against=folder)


def test_the_record_of_another_submission_is_refused(check, recorded, submission_file):
    file = next(recorded.rglob("*.json"))
    with pytest.raises(UsageError, match="a record of own, not of other"):
        check(submission_file(IDENTITY, "[Own(k=1)]", name="other"), against=file)


def test_records_of_different_limits_are_refused(check, recorded, submission_file, tmp_path):
    folder = altered(recorded, tmp_path / "mixed")
    one = next(folder.rglob("*.json"))
    stored = load(one)
    record = CodecRecord.sealed(**(stored.record.model_dump(exclude={"sha256"}) | {"limit": 5}))
    save(folder, record, stored.counts(Counts), stored.ground(GroundCounts))
    with pytest.raises(UsageError, match=r"made with different --limit \((5, 12|12, 5)\); choose one by --against"):
        check(submission_file(IDENTITY, "[Own(k=1)]"), against=folder)


def test_the_command_exits_with_1_where_something_got_worse(recorded, submission_file):
    body = "k: int\ndef encode(self, state, x): return x\ndef decode(self, state, code): return code * 0"
    path = submission_file(body, "[Own(k=1), Own(k=2)]")
    line = [sys.executable, "-m", "simplibench.cli", "check", str(path), "--against", str(recorded), "--limit", "4"]
    line += ["--in-process"]  # the contract's tests run guests
    finished = subprocess.run(line, capture_output=True, encoding="utf-8")
    assert finished.returncode == 1, finished.stderr
    assert "Own(k=1) in dyck-20-10/residual.0 on reference 0: faithfulness on iid fell" in finished.stderr
    assert "Traceback" not in finished.stderr


def test_nothing_is_worse_in_an_empty_comparison_but_a_broken_one():
    assert Comparison("a", "E()", 0).problems(LIMITS) == []
    assert Comparison("a", "E()", 0, broken="gone").problems(LIMITS) == ["gone"]


def test_arenas_whose_data_are_fetched_are_checked_where_they_are_named(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # where no run has left results
    stored = recorded_module.records_of("svd", "svd", None)
    kept = recorded_module.of_generated_tasks(stored)
    assert kept == [one for one in stored if not load_task(one.record.task).fetched] != stored
    told = capsys.readouterr().err
    assert told.startswith(
        "not checked, since their data are fetched: code-python/attention.0, code-python/attention.1, "
    )
    assert told.endswith("code-python/residual.3; --arena NAME checks one\n")
    fetched = [one for one in stored if one not in kept]
    assert recorded_module.of_generated_tasks(fetched) == fetched


def test_of_an_arena_the_entries_of_quick_fits_are_checked_and_the_others_are_told(capsys):
    stored = recorded_module.chosen(recorded_module.records_of("kmeans", "kmeans", None), ["dyck-20-10/attention.1"], 0)
    kept = recorded_module.of_short_fits(stored)
    seconds = {one.record.entry: one.record.runtime.fit_seconds for one in stored}
    quick = [seconds[one.record.entry] for one in kept]
    dear = [own for name, own in seconds.items() if name not in {one.record.entry for one in kept}]
    assert sum(quick) <= recorded_module.FIT_SECONDS < sum(quick) + min(dear)
    told = capsys.readouterr().err
    assert told.startswith(f"not checked: {len(dear)} of 7 entries, whose fits take too long, the longest ")
    assert "KMeans(clusters=1024, iterations=30) in dyck-20-10/attention.1, " in told
    assert "--all checks them too" in told


def test_an_entry_that_is_alone_is_checked_however_long_its_fit_takes(capsys):
    stored = recorded_module.chosen(recorded_module.records_of("kmeans", "kmeans", None), ["dyck-20-10/attention.1"], 0)
    alone = [max(stored, key=lambda one: one.record.runtime.fit_seconds)]
    assert recorded_module.of_short_fits(alone) == alone
    assert capsys.readouterr().err == ""
