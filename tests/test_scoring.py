"""Rates, faithfulness and statistics: exact values where theory gives them, properties elsewhere."""

import math
import tracemalloc

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import poisson

from simplibench.registry import all_tasks
from simplibench.scoring import histogram
from simplibench.scoring.correlation import kendall_tau
from simplibench.scoring.divergence import jensen_shannon_bits
from simplibench.scoring.faithfulness import budgets, faithfulness, score
from simplibench.scoring.quantised import quantise, restore
from simplibench.scoring.rate import CodeMeter
from simplibench.scoring.resampling import sentence_weights
from simplibench.tasks import absent, load_split


def bits(code, visible=None):
    meter = CodeMeter()
    meter.add(code, visible)
    return meter.bits()


@pytest.mark.parametrize(
    ("dtype", "width"), [(torch.float16, 16), (torch.bfloat16, 16), (torch.float32, 32), (torch.float64, 64)]
)
def test_a_dense_float_code_costs_its_width_a_dimension(dtype, width):
    assert bits(torch.ones(10, 3, dtype=dtype)) == 3 * width


def test_a_sparse_float_code_costs_width_and_address_of_each_nonzero():
    code = torch.zeros(8, 64)
    code[:, 5] = 1.5
    assert bits(code) == 32 + math.log2(64)


def test_a_uniform_integer_code_costs_the_log_of_its_alphabet():
    assert bits(torch.arange(16).repeat(4_000)[:, None]) == pytest.approx(4.0, abs=0.01)


def test_a_constant_or_empty_code_is_free():
    assert bits(torch.full((9, 1), 7)) == 0
    assert bits(torch.empty(9, 0, dtype=torch.uint8)) == 0


def test_a_skewed_code_costs_less_than_its_alphabet():
    code = torch.cat([torch.zeros(9_900, 1), torch.ones(100, 1)]).long()
    entropy = -(0.99 * math.log2(0.99) + 0.01 * math.log2(0.01))
    assert bits(code) == pytest.approx(entropy, abs=1e-3)


def test_numbers_packed_into_a_wide_integer_pay_for_every_bit():
    packed = torch.randint(-(2**62), 2**62, (5_000, 1), generator=torch.Generator().manual_seed(0))
    assert bits(packed) == pytest.approx(63, abs=0.1)


def test_pointers_cost_the_log_of_the_positions_they_can_choose_from():
    visible = torch.tensor([1, 2, 4, 8] * 500)
    pointer = (torch.rand(2_000, generator=torch.Generator().manual_seed(0)) * visible).long()[:, None]
    assert bits(pointer, visible) == pytest.approx(1.5)


def test_columns_that_point_too_far_are_no_pointers():
    visible = torch.ones(100, dtype=torch.int64)
    assert bits(torch.arange(100)[:, None] % 2, visible) == pytest.approx(1.0, abs=0.05)


def test_metering_in_parts_is_metering_the_whole():
    code = torch.randint(0, 50, (1_000, 2), generator=torch.Generator().manual_seed(0))
    meter = CodeMeter()
    for part in code.split(137):
        meter.add(part)
    assert meter.bits() == pytest.approx(bits(code))


def kept_in_dictionaries(parts):
    """The same rate of a single column, from a dictionary in the order in which symbols are first seen."""
    counts = {}
    for part in parts:
        for symbol, count in zip(*np.unique(part, return_counts=True), strict=True):
            counts[int(symbol)] = counts.get(int(symbol), 0) + int(count)
    total, entropy = sum(counts.values()), 0.0
    for count in counts.values():
        entropy += count / total * math.log2(count / total)
    alphabet = math.log2(max(counts) - min(counts) + 1)
    return min(-entropy + len(counts) * alphabet / total, alphabet)


@given(st.data(), st.sampled_from([np.bool_, np.uint8, np.int8, np.int16, np.int64]))
def test_a_rate_is_the_same_to_the_last_digit_however_its_counts_are_kept(data, dtype):
    lengths = data.draw(st.lists(st.integers(1, 40), min_size=1, max_size=6))
    parts = [data.draw(arrays(dtype, length)) for length in lengths]
    meter = CodeMeter()
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(histogram, "FEWEST_MERGED", 10)
        for part in parts:
            meter.add(torch.from_numpy(part)[:, None])
        assert meter.bits() == kept_in_dictionaries(parts)


def test_counts_take_a_few_bytes_a_symbol():
    parts, columns = 20, 2
    code = torch.randint(0, 2**40, (100_000, columns), generator=torch.Generator().manual_seed(0)) - 2**62
    meter = CodeMeter()
    tracemalloc.start()
    for part in code.chunk(parts):
        meter.add(part)
    assert meter.bits() > 0
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert kept < 16 * code.numel()


def test_a_column_of_more_symbols_than_are_counted_costs_its_alphabet_and_no_memory(monkeypatch):
    few_of_many = torch.cat([torch.zeros(9_000), torch.arange(1_000)]).long()[:, None]
    assert bits(few_of_many) < math.log2(1_000)
    monkeypatch.setattr(histogram, "MOST_SYMBOLS", 999)
    assert bits(few_of_many) == math.log2(1_000)
    column = histogram.Histogram()
    for part in few_of_many.numpy().reshape(-1, 100):
        column.add(part)
    assert (len(column.counts), column.full, column.low, column.high) == (0, True, 0, 999)


def test_no_split_has_more_rows_than_symbols_are_counted():
    rows = [
        len(load_split(task, name).sequences.tokens)
        for task in all_tasks().values()
        for name in task.roles
        if name not in absent(task)
    ]
    assert 0 < max(rows) <= histogram.MOST_SYMBOLS


def test_nothing_measured_has_no_rate():
    with pytest.raises(ValueError, match="no rows were measured"):
        CodeMeter().bits()


@given(arrays(np.int64, (60, 2), elements=st.integers(-5, 5)))
def test_an_integer_code_never_costs_more_than_its_alphabet(code):
    limit = sum(math.log2(column.max() - column.min() + 1) for column in code.T)
    assert 0 <= bits(torch.from_numpy(code)) <= limit + 1e-9


def test_faithfulness_is_one_without_disagreement_and_zero_at_the_floor():
    assert faithfulness(np.array(0.0), np.array(50.0)) == 1
    assert faithfulness(np.array(50.0), np.array(50.0)) == 0
    assert faithfulness(np.array(75.0), np.array(50.0)) == -0.5


def test_budgets_halve_the_ceiling_eight_times():
    assert budgets(2048).tolist() == [1024, 512, 256, 128, 64, 32, 16, 8]


def test_the_score_takes_the_best_affordable_entry_on_id_and_reads_it_on_ood():
    # The entry at 64 bits is best on ID and worst on OOD: it must be taken where it can be paid.
    on_id, on_ood = score(np.array([8.0, 64.0]), np.array([0.5, 0.9]), np.array([0.4, 0.1]), 2048)
    assert on_id == pytest.approx((5 * 0.9 + 3 * 0.5) / 8)
    assert on_ood == pytest.approx((5 * 0.1 + 3 * 0.4) / 8)


def test_what_no_budget_can_pay_scores_nothing():
    assert score(np.array([2048.0]), np.array([1.0]), np.array([1.0]), 2048) == (0, 0)


def test_of_equally_faithful_entries_the_cheaper_is_taken():
    assert score(np.array([64.0, 8.0]), np.array([0.5, 0.5]), np.array([0.1, 0.3]), 2048)[1] == pytest.approx(0.3)


fractions = st.floats(0, 1)


@given(st.lists(st.tuples(st.floats(0.1, 4000), fractions, fractions), min_size=1, max_size=6))
def test_scores_lie_between_zero_and_one_and_do_not_depend_on_the_order_of_entries(entries):
    columns = [np.array(column) for column in zip(*entries, strict=True)]
    for value in score(*columns, 2048):
        assert 0 <= value <= 1
    if len(set(columns[0])) == len(entries):
        backwards = [column[::-1] for column in columns]
        assert score(*columns, 2048) == score(*backwards, 2048)


def test_divergence_is_zero_for_equal_and_one_bit_for_disjoint_distributions():
    p = torch.tensor([[0.5, 0.5, 0.0, 0.0], [1.0, 0.0, 0.0, 0.0]])
    assert jensen_shannon_bits(p, p).tolist() == [0, 0]
    assert jensen_shannon_bits(p, p.flip(1)).tolist() == pytest.approx([1, 1])


def test_divergence_has_its_textbook_value():
    p, q = torch.tensor([1.0, 0.0], dtype=torch.float64), torch.tensor([0.5, 0.5], dtype=torch.float64)
    expected = 0.75 * math.log2(4 / 3) / 2 * 1  # KL(p|m) = log2(4/3)
    expected = (math.log2(4 / 3) + 0.5 * math.log2(2 / 3) + 0.5 * math.log2(2)) / 2
    assert jensen_shannon_bits(p, q).item() == pytest.approx(expected)


@given(arrays(np.float64, 20, elements=st.floats(0, 1)))
def test_stored_divergences_are_within_two_hundredths_of_the_truth(values):
    assert np.abs(restore(quantise(values)) - values).max() <= 0.01


def test_resamples_begin_with_the_sample_itself():
    assert sentence_weights(12, "iid")[0].tolist() == [1] * 12


def test_resamples_are_the_same_every_time_and_differ_between_splits():
    again = np.array(sentence_weights(12, "iid"))
    sentence_weights.cache_clear()
    assert np.array_equal(again, sentence_weights(12, "iid"))
    assert not np.array_equal(again, sentence_weights(12, "other"))


def test_a_resample_takes_a_sentence_as_often_as_drawing_with_replacement_does():
    found = sentence_weights(2_000, "iid")[1:]
    assert found.mean() == pytest.approx(1, abs=0.003)
    assert found.var() == pytest.approx(1, abs=0.005)
    assert np.bincount(found.astype(int).ravel())[:5] / found.size == pytest.approx(poisson.pmf(range(5), 1), abs=0.002)


def test_kendall_tau_is_one_for_the_same_order_and_minus_one_reversed():
    a = np.array([0.1, 0.4, 0.9])
    assert kendall_tau(a, a**3) == 1
    assert kendall_tau(a, -a) == -1
    assert kendall_tau(a, np.zeros(3)) is None
