"""What a report says, in sentences, tables and commands, before it is Markdown or HTML."""

import shlex
from dataclasses import dataclass, field
from pathlib import Path

from simplibench.board.render import interval_text, rank_text
from simplibench.board.report import ArenaReport, Provenance, Report
from simplibench.board.report_tables import arena_tables
from simplibench.board.table import TextTable


@dataclass(frozen=True)
class Section:
    """A heading and what stands under it."""

    title: str
    text: list[str] = field(default_factory=list)
    tables: list[TextTable] = field(default_factory=list)
    commands: list[str] = field(default_factory=list)
    arena: str = ""  # that the section is about


def sections(report: Report) -> list[Section]:
    """Return the whole report, in order."""
    return [
        _standing(report),
        *(_arena(arena) for arena in report.arenas),
        _failures(report),
        _provenance(report),
        _reproduction(report),
    ]


def _standing(report: Report) -> Section:
    headers = ("arena", "rank", "of", "OOD score", "ID score", "gap", "forward", "status")
    rows = [
        [
            arena.row.arena,
            rank_text(arena.row) or "-",
            str(arena.ranked),
            interval_text(arena.row.score),
            f"{arena.row.id_score.value:.3f}" if arena.row.id_score else "",
            interval_text(arena.row.gap),
            f"{arena.row.forward_ratio:.2f}" if arena.row.forward_ratio is not None else "",
            f"{arena.row.status}: {arena.row.note}" if arena.row.note else arena.row.status,
        ]
        for arena in report.arenas
    ]
    text = [f"By {', '.join(report.authors)}. " + _file(report)]
    if report.control:
        text.append("A control: shown for orientation, not ranked.")
    return Section("Where it stands", text, [TextTable("", headers, rows)] if rows else [])


def _file(report: Report) -> str:
    made_from = sorted({provenance.source_sha256 for provenance in report.provenance})
    named = ", ".join(made_from)
    if report.source is None:
        return f"Its file is not here any more; its records are of the file with sha256 {named}."
    if made_from == [report.source.sha256]:
        return f"Its file is {report.source.path}, sha256 {named}."
    return (
        f"Its file {report.source.path} has changed: it has sha256 {report.source.sha256}, its records are of {named}."
    )


def _arena(arena: ArenaReport) -> Section:
    text = [*_place(arena), *_pairwise(arena)]
    if arena.curves and arena.curves.ceiling_bits:
        text.append("Figures are means over the references. The score chooses an entry reference by reference.")
    return Section(arena.row.arena, text, arena_tables(arena), arena=arena.row.arena)


def _place(arena: ArenaReport) -> list[str]:
    row = arena.row
    if row.rank_low is None:
        why = "a control" if row.control and row.status == "ok" else row.status
        return [f"No rank: {why}{f' ({row.note})' if row.note else ''}."]
    return [f"Rank {rank_text(row)} of {arena.ranked}."]


def _pairwise(arena: ArenaReport) -> list[str]:
    if arena.pairwise is None:
        return []
    outcomes = {
        "Better than it": arena.pairwise.better,
        "Worse than it": arena.pairwise.worse,
        "Cannot be told apart from it": arena.pairwise.same,
    }
    return [" ".join(f"{what}: {', '.join(names) or 'none'}." for what, names in outcomes.items())]


def _failures(report: Report) -> Section:
    rows = [
        [arena.row.arena, failure.entry, ", ".join(map(str, failure.seeds)), failure.reason]
        for arena in report.arenas
        for failure in arena.failures
    ]
    table = TextTable("", ("arena", "entry", "references", "reason"), rows)
    return Section("Failures", [] if rows else ["None."], [table] if rows else [])


def _provenance(report: Report) -> Section:
    headers = ("records", "task", "made (UTC)", "device", "threads", "python", "torch", "commit", "conditions")
    rows = [
        [
            str(provenance.records),
            provenance.task,
            " to ".join(dict.fromkeys((provenance.first[:10], provenance.last[:10]))),
            f"{provenance.environment.device}: {provenance.environment.hardware}",
            str(provenance.environment.threads),
            provenance.environment.python,
            provenance.environment.torch_build or provenance.environment.packages.get("torch", ""),
            _commit(provenance),
            " ".join(_conditions(provenance)),
        ]
        for provenance in report.provenance
    ]
    return Section("Its records", report.gone, [TextTable("", headers, rows)])


def _commit(provenance: Provenance) -> str:
    commit, clean = provenance.environment.commit, provenance.environment.clean
    if commit is None:
        return "not recorded"
    return f"{commit[:12]}{'' if clean else ', with changes'}"


def _reproduction(report: Report) -> Section:
    """Give the commands that check the records, make one again, and run all as they were into a folder of their own."""
    text = ["Recompute its figures from its records; run one record again; run all of them again."]
    if report.source is None:
        text.append("The runs need its file again, among the submissions; `rerun` takes it with --file.")
    elif any(provenance.source_sha256 != report.source.sha256 for provenance in report.provenance):
        text.append("The runs take the file as it is now.")
    folders = dict.fromkeys(Path(path).parent.as_posix() for path in report.paths)
    commands = [
        *(f"simplibench verify {shlex.quote(folder)}/*.json" for folder in folders),
        f"simplibench rerun {shlex.quote(report.paths[0])}",
        *dict.fromkeys(_run(report.submission, provenance) for provenance in report.provenance),
    ]
    return Section("To reproduce it", text, commands=commands)


def _run(name: str, provenance: Provenance) -> str:
    arenas = [word for arena in provenance.arenas for word in ("--arena", arena.removeprefix(f"{provenance.task}/"))]
    seeds = [word for seed in provenance.seeds for word in ("--seed", str(seed))]
    where = ["--device", provenance.environment.device, "--fresh", "--output", "reproduced"]
    words = ["simplibench", "run", name, "--task", provenance.task, *arenas, *seeds, *_conditions(provenance), *where]
    return shlex.join(words)


def _conditions(provenance: Provenance) -> list[str]:
    limit = ["--limit", str(provenance.limit)] if provenance.limit else []
    return [*limit, *(["--in-process"] if provenance.in_process else [])]
