"""What a report says, in sentences, tables and commands, before it is Markdown or HTML."""

import shlex
from dataclasses import dataclass, field
from pathlib import Path

from simplibench.board.render import interval_text, rank_text
from simplibench.board.report import ArenaReport, Making, Report
from simplibench.board.report_tables import Lines, arena_tables


@dataclass(frozen=True)
class Section:
    """A heading and what stands under it."""

    title: str
    text: list[str] = field(default_factory=list)
    tables: list[Lines] = field(default_factory=list)
    commands: list[str] = field(default_factory=list)
    arena: str = ""  # that the section is about


def sections(report: Report) -> list[Section]:
    """The whole report, in order."""
    return [
        _standing(report),
        *(_arena(arena) for arena in report.arenas),
        _failures(report),
        _makings(report),
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
    return Section("Where it stands", text, [Lines("", headers, rows)] if rows else [])


def _file(report: Report) -> str:
    made_from = sorted({making.source_sha256 for making in report.makings})
    named = ", ".join(made_from)
    if report.source is None:
        return f"Its file is not here any more; its records are of the file with sha256 {named}."
    if made_from == [report.source.sha256]:
        return f"Its file is {report.source.path}, sha256 {named}."
    return (
        f"Its file {report.source.path} has changed: it has sha256 {report.source.sha256}, its records are of {named}."
    )


def _arena(arena: ArenaReport) -> Section:
    text = [*_place(arena), *_apart(arena)]
    if arena.curves and arena.curves.ceiling_bits:
        text.append("Figures are means over the references. The score chooses an entry reference by reference.")
    return Section(arena.row.arena, text, arena_tables(arena), arena=arena.row.arena)


def _place(arena: ArenaReport) -> list[str]:
    row = arena.row
    if row.rank_low is None:
        why = "a control" if row.control and row.status == "ok" else row.status
        return [f"No rank: {why}{f' ({row.note})' if row.note else ''}."]
    return [f"Rank {rank_text(row)} of {arena.ranked}."]


def _apart(arena: ArenaReport) -> list[str]:
    if arena.apart is None:
        return []
    told = {
        "Better than it": arena.apart.better,
        "Worse than it": arena.apart.worse,
        "Cannot be told apart from it": arena.apart.same,
    }
    return [" ".join(f"{what}: {', '.join(names) or 'none'}." for what, names in told.items())]


def _failures(report: Report) -> Section:
    rows = [
        [arena.row.arena, failure.entry, ", ".join(map(str, failure.seeds)), failure.reason]
        for arena in report.arenas
        for failure in arena.failures
    ]
    table = Lines("", ("arena", "entry", "references", "reason"), rows)
    return Section("Failures", [] if rows else ["None."], [table] if rows else [])


def _makings(report: Report) -> Section:
    headers = ("records", "task", "made (UTC)", "device", "threads", "python", "torch", "commit", "conditions")
    rows = [
        [
            str(making.records),
            making.task,
            " to ".join(dict.fromkeys((making.first[:10], making.last[:10]))),
            f"{making.environment.device}: {making.environment.hardware}",
            str(making.environment.threads),
            making.environment.python,
            making.environment.torch_build or making.environment.packages.get("torch", ""),
            _commit(making),
            " ".join(_conditions(making)),
        ]
        for making in report.makings
    ]
    return Section("Its records", report.gone, [Lines("", headers, rows)])


def _commit(making: Making) -> str:
    commit, clean = making.environment.commit, making.environment.clean
    if commit is None:
        return "not recorded"
    return f"{commit[:12]}{'' if clean else ', with changes'}"


def _reproduction(report: Report) -> Section:
    """Runs as they were, into a folder of their own; and the records themselves, checked and made again."""
    text = ["Recompute its figures from its records; run one record again; run all of them again."]
    if report.source is None:
        text.append("The runs need its file again, among the submissions; `rerun` takes it with --file.")
    elif any(making.source_sha256 != report.source.sha256 for making in report.makings):
        text.append("The runs take the file as it is now.")
    folders = dict.fromkeys(Path(path).parent.as_posix() for path in report.paths)
    commands = [
        *(f"simplibench verify {shlex.quote(folder)}/*.json" for folder in folders),
        f"simplibench rerun {shlex.quote(report.paths[0])}",
        *dict.fromkeys(_run(report.submission, making) for making in report.makings),
    ]
    return Section("To reproduce it", text, commands=commands)


def _run(name: str, making: Making) -> str:
    arenas = [word for arena in making.arenas for word in ("--arena", arena.removeprefix(f"{making.task}/"))]
    seeds = [word for seed in making.seeds for word in ("--seed", str(seed))]
    where = ["--device", making.environment.device, "--fresh", "--output", "reproduced"]
    words = ["simplibench", "run", name, "--task", making.task, *arenas, *seeds, *_conditions(making), *where]
    return shlex.join(words)


def _conditions(making: Making) -> list[str]:
    limit = ["--limit", str(making.limit)] if making.limit else []
    return [*limit, *(["--in-process"] if making.in_process else [])]
