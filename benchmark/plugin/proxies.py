"""What a suite of one's own may ask of a proxy: to stay as faithful, as cheap and as fast as it was."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import pytest

from simplibench.audit.baseline_records import chosen, of_whole_splits, records_of, require_comparable
from simplibench.board import TRACKS as BOARD_TRACKS
from simplibench.board.regression import GONE, RUNTIME_FACTOR, Comparison, Limits, require_limits
from simplibench.board.tracks import compare
from simplibench.errors import SimplibenchError, UsageError
from simplibench.guest import InProcess
from simplibench.harness.jobs import one_thread
from simplibench.harness.tracks import TRACKS
from simplibench.plugin.measuring import Measuring, Target, find_target
from simplibench.records import SeedName, Stored
from simplibench.text import printable

LIMITS = ("tolerance", "factor")  # as a test calls them
ROUNDS = 5  # forward passes that pytest-benchmark times, after one that it does not


class Proxies(Measuring):
    """The fixture `proxy`."""

    def __call__(
        self,
        submission: str | Path,
        *,
        arena: str,
        seed: SeedName = 0,
        entry: str | None = None,
        sentences: int | None = None,
        device: str = "auto",
        in_process: bool = False,
        timeout: float = 600.0,
    ) -> "Proxy":
        """Return a submission, by file or name, in an arena such as `dyck-20-10/attention.1`, on one reference.

        It has all its entries, or a single one by its label. `sentences` per split are compared, 100 if not said (of an
        explainer cases, 4).
        """
        with as_test_failure():
            where = find_target(
                submission=submission,
                arena=arena,
                seed=seed,
                entry=entry,
                sentences=sentences,
                device=device,
                in_process=in_process,
                timeout=timeout,
            )
            return Proxy(self, where)


class Proxy:
    """A proxy that a test asks something of. Each method fails the test with what got worse, and returns the proxy."""

    def __init__(self, measuring: Measuring, target: Target) -> None:
        self.measuring, self.target = measuring, target

    def must_be_as_faithful_as(
        self,
        record: Path | str | None = None,
        *,
        floor: float | Mapping[str, float] | None = None,
        tolerance: float = 0.0,
    ) -> Self:
        """Fail if a split fell beyond the interval of the paired difference, or lies below the floor.

        `record` is a file or folder; without it, and without a floor, the committed ones, else those in `results`.
        `tolerance` is how far below 0 the interval may lie. `floor` is the least faithfulness, of all splits or by split.
        """
        with as_test_failure():
            limits = Limits(tolerance=tolerance)
            require_limits(limits, LIMITS)
            recorded = self._recorded(record) if record is not None or floor is None else []
            worse = self._worse(recorded, lambda comparison: comparison.fallen(limits))
            if floor is not None:
                worse += self._below(floor, recorded[0].record.limit if recorded else None)
        return self._verdict(worse)

    def must_be_as_cheap_as(self, record: Path | str | None = None) -> Self:
        """Fail if the rate, in bits per token on whole splits, rose."""
        with as_test_failure():
            worse = self._worse(self._recorded(record), Comparison.costlier)
        return self._verdict(worse)

    def must_be_as_fast_as(
        self, record: Path | str | None = None, *, factor: float = RUNTIME_FACTOR, benchmark: Any = None
    ) -> Self:
        """Fail if the runtime over the reference's grew beyond a factor, from quartile to quartile.

        With pytest-benchmark's fixture as `benchmark`, the forward pass of the one `entry` is timed by it as well, in this
        process, for its own `--benchmark-compare-fail`; the entry's ratios are in its `extra_info`.
        """
        with as_test_failure():
            limits = Limits(runtime_factor=factor)
            require_limits(limits, LIMITS)
            recorded = self._recorded(record)
            worse = self._worse(recorded, lambda comparison: comparison.slower(limits))
            if benchmark is not None:
                self._time(benchmark, recorded[0].record.limit)
        return self._verdict(worse)

    def _recorded(self, record: Path | str | None) -> list[Stored]:
        """Return the records that it is held against. Raises: UsageError where there are none."""
        where = self.target
        against = None if record is None else Path(record)
        records = records_of(self.measuring.manifest(where).name, where.named, against)
        if where.entry is not None:
            records = [stored for stored in records if stored.record.entry == where.entry]
        if not records:
            raise UsageError(f"no record of {where.entry} of {where.named}; `simplibench run {where.named}` makes them")
        recorded = of_whole_splits(chosen(records, [where.arena], where.seed))
        require_comparable(recorded, where.named)
        return recorded

    def _worse(self, recorded: list[Stored], kind: Callable[[Comparison], list[str]]) -> list[str]:
        """Return what of a kind got worse than the records, with the entry's name."""
        worse = []
        for old in recorded:
            entry = old.record.entry
            made = self.measuring.again(self.target, old.record.limit)
            new = next((stored for stored in made if stored.record.entry == entry), None)
            if new is None:
                worse.append(f"{entry}: {GONE}")
                continue
            comparison = compare(old, new)
            problems = [comparison.broken] if comparison.broken else kind(comparison)
            worse += [f"{entry}: {problem}" for problem in problems]
        return worse

    def _below(self, floor: float | Mapping[str, float], limit: int | None) -> list[str]:
        """Return the splits whose faithfulness lies below the floor, and the entries that failed."""
        below = []
        for stored in self.measuring.again(self.target, limit):
            record = stored.record
            faithfulness = BOARD_TRACKS[record.track].faithfulness(record)
            if faithfulness is None:
                raise UsageError(f"{self.target.named} explains: it has no faithfulness that a floor could be of")
            if record.status == "failed":
                below.append(f"{record.entry}: it failed: {record.reason}")
                continue
            least = floor if isinstance(floor, Mapping) else dict.fromkeys(faithfulness, floor)
            if not all(bound <= 1 for bound in least.values()):  # nor is what is no number
                raise UsageError(f"floor must be at most 1, the faithfulness of the reference itself, got {floor}")
            unknown = [name for name in least if name not in faithfulness]
            if unknown:
                raise UsageError(
                    f"floor: {record.arena} has no split {', '.join(unknown)}; there are: {', '.join(faithfulness)}"
                )
            below += [
                f"{record.entry}: faithfulness on {name} is {faithfulness[name]:.3f}, below {bound:g}"
                for name, bound in least.items()
                if faithfulness[name] < bound
            ]
        return below

    def _time(self, benchmark: Any, limit: int | None) -> None:
        """Have pytest-benchmark time the entry's forward pass. Raises: UsageError unless there is one entry."""
        target = self.target
        entries = [(unit, *numbered) for unit in self.measuring.units(target) for numbered in unit.entries]
        config, forward = self.measuring.config(target, limit), None
        with one_thread():
            if len(entries) == 1:
                unit, index, entry = entries[0]
                here = InProcess(target.file, config.device)
                forward = TRACKS[entry.track].forward(unit, entry, index, config, (here, here))
            if forward is None:
                raise UsageError(
                    f"benchmark= times the forward pass of one codec; give one entry of {target.named} as entry="
                )
            runtime = self.measuring.again(target, limit)[0].record.runtime
            if runtime:
                benchmark.extra_info["forward_ratio"] = runtime.forward_ratio
            benchmark.pedantic(forward, rounds=ROUNDS, warmup_rounds=1)

    def _verdict(self, worse: list[str]) -> Self:
        if worse:
            where = f"{self.target.named} in {self.target.arena} on reference {self.target.seed}"
            pytest.fail(
                "\n".join([f"{where} got worse:", *(f"  {printable(problem)}" for problem in worse)]), pytrace=False
            )
        return self


@contextmanager
def as_test_failure() -> Iterator[None]:
    """Have a mistake of the test fail it with the error's text alone."""
    try:
        yield
    except SimplibenchError as error:
        raise pytest.fail.Exception(str(error), pytrace=False) from None
