"""One submission among the others: what its records say, arena by arena. Pure: records in, facts out."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from simplibench.board.curves import ArenaCurves, EntryCurve, curves
from simplibench.board.entries import EntryRow, entry_rows
from simplibench.board.row import Row
from simplibench.board.rows import ArenaBoard, boards
from simplibench.board.tracks import TRACKS
from simplibench.records import Environment, Record, SeedName, Stored, Terms
from simplibench.scoring.differences import significant_pairs

Labels = Mapping[str, Mapping[str, str]]  # stratum -> value -> what a reader calls it


@dataclass(frozen=True)
class Source:
    """A submission's file as it is now."""

    path: str
    sha256: str


@dataclass(frozen=True)
class Pairwise:
    """Against whom a ranked submission can be told apart, best first."""

    better: list[str]  # are better than it
    worse: list[str]
    same: list[str]  # cannot be told apart from it


@dataclass(frozen=True)
class Failure:
    """An entry that failed for one reason, on some references."""

    entry: str
    seeds: list[SeedName]
    reason: str


@dataclass(frozen=True)
class ArenaReport:
    """A submission in one arena."""

    row: Row
    ranked: int  # submissions with a rank, this one included
    pairwise: Pairwise | None  # None without a rank by score
    entries: list[EntryRow]  # its own, cheapest first
    curves: ArenaCurves | None  # its own and those of every scored submission; None where every entry failed
    labels: Labels
    failures: list[Failure]

    @property
    def own_curve(self) -> list[EntryCurve]:
        """Return its own successful entries, cheapest first."""
        entries = self.curves.entries if self.curves else []
        return [entry for entry in entries if entry.submission == self.row.submission]


@dataclass(frozen=True)
class Provenance:
    """Records that were made alike: where, from what, and with which options."""

    environment: Environment
    source_sha256: str
    task: str
    limit: int | None
    in_process: bool
    arenas: list[str]
    seeds: list[SeedName]
    records: int
    first: str  # when, UTC
    last: str


@dataclass(frozen=True)
class Report:
    """Everything that is told of one submission."""

    submission: str
    authors: tuple[str, ...]
    citation: str
    control: bool
    source: Source | None  # None where its file is gone
    arenas: list[ArenaReport]
    gone: list[str]  # of which entries it has records that do not count
    provenance: list[Provenance]
    paths: list[str]  # of its records


def report(
    stored: Sequence[Stored],
    name: str,
    terms: Mapping[str, Terms],
    source: Source | None,
    root: Path,
    labels: Mapping[str, Labels] | None = None,
    *,
    faults: Mapping[tuple[str, str], str] | None = None,
    gone: Sequence[str] = (),
) -> Report:
    """Return what records, its own among the others', say of submission `name`, which has at least one.

    Paths below `root` are told relative to it, so that the page is the same wherever the checkout lies; `labels` by task,
    `faults` as for `boards`, `gone`: what is said of records that do not count.
    """
    ordered = sorted(stored, key=lambda kept: kept.path)
    reported = [kept for kept in ordered if kept.record.submission == name]
    arenas = {kept.record.arena for kept in reported}
    around = [kept for kept in ordered if kept.record.arena in arenas]
    ranked = boards(around, terms, faults)
    latest = max((kept.record for kept in reported), key=lambda record: record.created)
    return Report(
        submission=name,
        authors=latest.authors,
        citation=latest.citation,
        control=latest.control,
        source=source,
        arenas=[_arena(board, around, name, labels or {}) for board in ranked if _has(board, name)],
        gone=list(gone),
        provenance=_provenance([kept.record for kept in reported]),
        paths=[below(kept.path, root) for kept in reported],
    )


def below(path: Path, root: Path) -> str:
    """Return a path relative to the root it lies under; any other as it is."""
    return (path.relative_to(root) if path.is_relative_to(root) else path).as_posix()


def _has(board: ArenaBoard, name: str) -> bool:
    return any(row.submission == name for row in board.rows)


def _arena(board: ArenaBoard, stored: list[Stored], name: str, labels: Mapping[str, Labels]) -> ArenaReport:
    row = next(row for row in board.rows if row.submission == name)
    comparable = {ranked.submission for ranked in board.rows if ranked.status == "ok"} | {name}
    there = [
        kept
        for kept in stored
        if (kept.record.arena, kept.record.submission in comparable) == (board.arena, True)
        and kept.record.seed != "untrained"
    ]
    reported = [kept for kept in there if kept.record.submission == name]
    drawn = curves(there) if any(kept.record.status == "ok" for kept in reported) else []
    return ArenaReport(
        row=row,
        ranked=sum(other.rank_low is not None for other in board.rows),
        pairwise=_pairwise(board, there, row) if row.rank_low is not None and row.score else None,
        entries=sorted(entry_rows(reported), key=lambda entry: (entry.figures.get("bits/token") or 0.0, entry.entry)),
        curves=drawn[0] if drawn else None,
        labels=labels.get(board.arena.partition("/")[0], {}),
        failures=_failures([kept.record for kept in reported]),
    )


def _pairwise(board: ArenaBoard, stored: list[Stored], row: Row) -> Pairwise:
    """Compare by the same test as the ranks: all pairs of the arena together."""
    names = [other.submission for other in board.rows if other.score is not None and not other.control]
    groups = [[kept for kept in stored if kept.record.submission == name] for name in names]
    scores = np.stack([submission.ood_by_seed for submission in TRACKS[board.track].scores(groups, board.seeds)])
    signs = significant_pairs(scores)[names.index(row.submission)].tolist()
    by_sign = {sign: [n for n, other in zip(names, signs, strict=True) if other == sign] for sign in (-1, 0, 1)}
    return Pairwise(by_sign[-1], by_sign[1], [name for name in by_sign[0] if name != row.submission])


def _failures(records: Sequence[Record]) -> list[Failure]:
    by_reason: dict[tuple[str, str], list[SeedName]] = defaultdict(list)
    for record in records:
        if record.status == "failed":
            by_reason[record.entry, record.reason or ""].append(record.seed)
    return [Failure(entry, seeds, reason) for (entry, reason), seeds in by_reason.items()]


def _provenance(records: Sequence[Record]) -> list[Provenance]:
    """Group records by what they were made with; the largest group first."""
    groups: dict[tuple[str, str, str, int | None, bool], list[Record]] = defaultdict(list)
    for record in records:
        environment = record.environment.model_dump_json()
        groups[environment, record.source_sha256, record.task, record.limit, record.in_process].append(record)
    return sorted((_of_group(group) for group in groups.values()), key=lambda provenance: -provenance.records)


def _of_group(group: Sequence[Record]) -> Provenance:
    first = group[0]
    seeds = Counter(record.seed for record in group)
    return Provenance(
        environment=first.environment,
        source_sha256=first.source_sha256,
        task=first.task,
        limit=first.limit,
        in_process=first.in_process,
        arenas=sorted({record.arena for record in group}),
        seeds=sorted(seeds, key=lambda seed: (seed == "untrained", str(seed).zfill(9))),
        records=len(group),
        first=min(record.created for record in group),
        last=max(record.created for record in group),
    )
