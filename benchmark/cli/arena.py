"""What `info` tells of an arena: its ranking, and every entry's figures by split."""

from collections import defaultdict
from collections.abc import Callable, Collection
from statistics import fmean

from simplibench import workspace
from simplibench.audit.choosing import Chosen, choose
from simplibench.audit.gathering import gather, paths
from simplibench.board import Row, boards
from simplibench.board.render import interval_text, rank_text
from simplibench.cli.printing import print_table
from simplibench.records import CodecRecord, ExplainerRecord
from simplibench.registry import terms
from simplibench.scoring.faithfulness import BUDGET_HALVINGS

Entry = tuple[str, str]  # submission and label


def show_arena(name: str) -> None:
    """The ranking, then the figures."""
    committed = _committed([name])
    rows = [row for board in boards(committed.stored, terms(), committed.faults) for row in board.rows]
    print_table(("rank", "submission", "OOD score", "gap"), [place(row, row.submission) for row in rows], name)
    if not rows:
        task, _, arena = name.partition("/")
        print(f"no record of it is committed; `simplibench run METHOD --task {task} --arena {arena}` makes some")
    by_entry: dict[Entry, list[CodecRecord | ExplainerRecord]] = defaultdict(list)
    for stored in committed.stored:
        record = stored.record
        if record.status == "ok" and record.seed != "untrained":
            by_entry[record.submission, record.entry].append(record)
    _show_codecs({entry: [own for own in found if isinstance(own, CodecRecord)] for entry, found in by_entry.items()})
    explained = {entry: [own for own in found if isinstance(own, ExplainerRecord)] for entry, found in by_entry.items()}
    _show_explainers(explained)


def rows_of(submission: str) -> list[Row]:
    """A submission's rows of the leaderboard."""
    root = workspace.committed()
    arenas = {path.parent.relative_to(root).as_posix() for path in root.glob(f"*/*/{submission}")}
    committed = _committed(arenas)
    found = boards(committed.stored, terms(), committed.faults)
    return [row for board in found for row in board.rows if row.submission == submission]


def _committed(arenas: Collection[str]) -> Chosen:
    """The committed records of some arenas; those that cannot be used are named."""
    known, root = terms(), workspace.committed()
    chosen = choose([gather(root, paths(root, arenas), known)], known)
    chosen.remarks.say()
    return chosen


def place(row: Row, name: str) -> list[str]:
    """A row's rank and score under some name."""
    return [rank_text(row), name, interval_text(row.score) or row.note, interval_text(row.gap)]


def _show_codecs(by_entry: dict[Entry, list[CodecRecord]]) -> None:
    """Every entry's agreement by split, mean over the references."""
    found = {entry: records for entry, records in by_entry.items() if records}
    if not found:
        return
    names = list(next(iter(found.values()))[0].splits)
    rows = []
    for (_, entry), own in found.items():
        bits = fmean(record.bits_per_token or 0 for record in own)
        means = [fmean(record.splits[name].agreement for record in own) for name in names]
        rows.append([entry, f"{bits:.0f}", *(f"{mean:.3f}" for mean in means)])
    print(f"budgets are identity's rate / {', / '.join(str(2**h) for h in BUDGET_HALVINGS)}")
    print_table(("entry", "bits", *names), rows, "agreement with the reference by split, mean over references")


def _show_explainers(by_entry: dict[Entry, list[ExplainerRecord]]) -> None:
    """Every entry's equivalence by kind of pair and intervention by kind of masking, mean over references."""
    found = {entry: records for entry, records in by_entry.items() if records}
    for split in next(iter(found.values()))[0].splits if found else ():
        for title, get in FIGURES.items():
            tables = {entry: [get(record, split) for record in own] for entry, own in found.items()}
            columns = sorted({name for own in tables.values() for figures in own for name in figures})
            rows = [
                [entry, *(_mean([figures[name] for figures in own if name in figures]) for name in columns)]
                for (_, entry), own in tables.items()
            ]
            print_table(("entry", *columns), rows, f"{split}: {title}, mean over references")


def _mean(values: list[float]) -> str:
    return f"{fmean(values):.3f}" if values else ""


FIGURES: dict[str, Callable[[ExplainerRecord, str], dict[str, float]]] = {
    "equivalence (AUC) by how the function differs": lambda record, split: record.splits[split].equivalence_by_kind,
    "intervention (rank correlation) by masking": lambda record, split: record.splits[split].intervention_by_masking,
    "the same, tokens replaced by balanced filler": lambda record, split: record.splits[split].replaced_by_masking,
}
