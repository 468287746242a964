"""Records made again on fewer sentences, held against the records that were there, row by row."""

import numpy as np
import numpy.typing as npt

from simplibench.board.regression import Change, Comparison, Quartiles
from simplibench.records import BankTable, CodecRecord, Counts, ExplainerCounts, ExplainerRecord, GroundCounts, Stored
from simplibench.records.explainer_figures import cases_of, equivalence, intervention
from simplibench.scoring.faithfulness import faithfulness
from simplibench.scoring.inference import mean_interval
from simplibench.scoring.resampling import sentence_weights

PAIR_KEYS = ("pair_split", "pair", "pair_case")  # what tells a bank's rows of each table apart
MASKED_KEYS = ("masked_split", "masking", "form", "masked_model", "masked_case")
Integers = npt.NDArray[np.integer]


def compare(recorded: Stored, now: Stored) -> Comparison:
    """Hold an entry's new record against its old one, which succeeded. The new one may be of fewer sentences.

    Raises ValueError where the two are not of the same sentences, DamagedFile where a table is missing.
    """
    then = recorded.record
    lost = [name for name in then.splits if name not in now.record.splits]
    if now.record.status == "failed":
        return Comparison(then.arena, then.entry, then.seed, broken=f"it failed: {now.record.reason}")
    if lost:
        return Comparison(then.arena, then.entry, then.seed, broken=f"not run on {', '.join(lost)}: no data here")
    if isinstance(then, CodecRecord) and isinstance(now.record, CodecRecord):
        rates = (then.bits_per_token or 0.0, now.record.bits_per_token or 0.0)
        runtimes = _quartiles(then), _quartiles(now.record)
        return Comparison(then.arena, then.entry, then.seed, tuple(_codec_changes(recorded, now)), rates, runtimes)
    if isinstance(then, ExplainerRecord) and isinstance(now.record, ExplainerRecord):
        changes = tuple(_explainer_changes(recorded, now))
        return Comparison(then.arena, then.entry, then.seed, changes, runtimes=_of_same_cases(then, now.record))
    raise ValueError(f"{recorded.path}: of another track than {now.path}")


def _quartiles(record: CodecRecord) -> Quartiles:
    runtime = record.runtime
    assert runtime is not None  # for the type checker: a successful record has one
    return Quartiles(runtime.forward_ratio_low, runtime.forward_ratio, runtime.forward_ratio_high)


def _of_same_cases(then: ExplainerRecord, now: ExplainerRecord) -> tuple[Quartiles, Quartiles] | None:
    """An explainer's ratio depends on the lengths of its cases, and is one number for all of them together."""
    if [split.cases for split in then.splits.values()] != [split.cases for split in now.splits.values()]:
        return None
    ratios = [record.runtime.forward_ratio for record in (then, now) if record.runtime]
    return Quartiles(*[ratios[0]] * 3), Quartiles(*[ratios[1]] * 3)


def _codec_changes(recorded: Stored, now: Stored) -> list[Change]:
    old_ground, old = recorded.ground(GroundCounts), recorded.counts(Counts)
    new_ground, new = now.ground(GroundCounts), now.counts(Counts)
    order = list(now.record.splits)
    found = []
    for index, name in enumerate(recorded.record.splits):
        theirs = np.flatnonzero(new_ground.split == order.index(name))
        ours = np.flatnonzero(old_ground.split == index)[: len(theirs)]  # a limit takes the first ones
        if not np.array_equal(old_ground.positions[ours], new_ground.positions[theirs]):
            raise ValueError(f"{recorded.path}: {name}: not of the sentences that the task has now")
        columns = (old_ground.floor_disagree[ours], old.disagree[ours], new.disagree[theirs])
        totals = sentence_weights(len(ours), name) @ np.stack(columns, axis=1).astype(np.float32)  # [R, 3]
        then, after = (faithfulness(totals[:, column], totals[:, 0]) for column in (1, 2))
        found.append(Change(name, "faithfulness", float(then[0]), float(after[0]), mean_interval((after - then)[None])))
    return found


def _explainer_changes(recorded: Stored, now: Stored) -> list[Change]:
    bank, old = recorded.ground(BankTable), recorded.counts(ExplainerCounts)
    new_bank, new = now.ground(BankTable), now.counts(ExplainerCounts)
    pairs = _common(bank, new_bank, PAIR_KEYS)
    masked = _common(bank, new_bank, MASKED_KEYS)
    common = BankTable(
        **{name: getattr(bank, name)[pairs[0]] for name in ("pair_kind", *PAIR_KEYS)},
        **{name: getattr(bank, name)[masked[0]] for name in MASKED_KEYS},
    )
    old = ExplainerCounts(old.distance[pairs[0]], old.correlation[masked[0]])
    new = ExplainerCounts(new.distance[pairs[1]], new.correlation[masked[1]])
    found = []
    for index, name in enumerate(recorded.record.splits):
        weights = sentence_weights(cases_of(common, index), name)
        weights = np.where(weights.sum(1, keepdims=True) > 0, weights, weights[:1])  # no case drawn: the sample itself
        for measure, score in (("equivalence", equivalence), ("intervention", intervention)):
            then, after = (score(common, counts, index, weights) for counts in (old, new))
            found.append(Change(name, measure, float(then[0]), float(after[0]), mean_interval((after - then)[None])))
    return found


def _common(old: BankTable, new: BankTable, keys: tuple[str, ...]) -> tuple[Integers, Integers]:
    """The rows of both tables that are of the same pair or masking and case, in the order of the old one."""
    places = {row: number for number, row in enumerate(_rows(new, keys))}
    both = [(number, places[row]) for number, row in enumerate(_rows(old, keys)) if row in places]
    if not both:
        raise ValueError("the banks have no row in common")
    ours, theirs = np.array(both).T
    return ours, theirs


def _rows(table: BankTable, keys: tuple[str, ...]) -> list[tuple[int, ...]]:
    return list(zip(*(getattr(table, name).tolist() for name in keys), strict=True))
