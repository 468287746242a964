"""`report`: the page of one submission."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from simplibench import workspace
from simplibench.audit.choosing import Chosen, choose
from simplibench.audit.gathering import gather, gather_of, paths
from simplibench.audit.remarks import Remarks, gone_lines
from simplibench.board.report import Report, Source
from simplibench.board.report import report as report_of
from simplibench.board.report_markdown import report_markdown
from simplibench.cli.app import app
from simplibench.cli.printing import require_format
from simplibench.errors import UsageError
from simplibench.files import require_file, write_text
from simplibench.methods import source_sha256
from simplibench.methods.template import file_name
from simplibench.pages.files import task_labels
from simplibench.records import RESULTS
from simplibench.registry import all_methods, terms


@app.command()
def report(
    name: Annotated[str, typer.Argument(help="A submission, by the name its records have.")],
    records: Annotated[
        list[Path] | None, typer.Option(help="Folders of its records; if none, results before the committed ones.")
    ] = None,
    output: Annotated[Path | None, typer.Option(help="The file to write; standard output if none.")] = None,
    format: Annotated[str, typer.Option(help="md for a pull request, html for a browser.")] = "md",
) -> None:
    """Show where one submission stands among the committed records, what it did, and how to reproduce it."""
    write_report(name, records, output, format)


def write_report(name: str, roots: list[Path] | None, output: Path | None, format: str) -> None:
    """Print or write the page, and say what comes next. Raises UsageError."""
    require_format(format, "md", "html")
    missing = [root for root in roots or [] if not root.is_dir()]
    if missing:
        raise UsageError(f"--records {missing[0]}: no such folder")
    if output:
        require_file("--output", output)
    chosen = counting(name, roots)
    chosen.remarks.say()
    gone = gone_lines(chosen.remarks.gone)
    found = report_of(
        chosen.stored, name, terms(), _source(name), workspace.root(), task_labels(), faults=chosen.faults, gone=gone
    )
    text = writer(format)(found)
    if output:
        write_text(output, text)
        print(f"wrote {output} from {len(found.paths)} records of {name}")
    else:
        print(text, end="")
    # A page on standard output is for a file or a pipe; what comes next is for the reader.
    committed = all(workspace.is_committed(one.path) for one in chosen.stored if one.record.submission == name)
    print("\n".join(next_steps(found, committed)), file=sys.stdout if output else sys.stderr)


def counting(name: str, roots: list[Path] | None) -> Chosen:
    """A submission's records under the roots, or under `results` and the committed ones, among the others' committed.

    Raises UsageError for no records.
    """
    known, committed = terms(), workspace.committed()
    own = [gather_of(root, (name,), known) for root in reversed(roots or [RESULTS])]
    arenas = {arena for part in own for arena, _ in (*part.stored, *part.lacking)}
    if not roots:
        arenas |= {"/".join(path.relative_to(committed).parts[:2]) for path in paths(committed, submissions=(name,))}
    there = gather(committed, paths(committed, arenas), known)
    own += [] if roots else [there.part(lambda place: place[1] == name)]
    chosen = choose(own, known)
    remarks = Remarks.of([chosen.remarks, there.remarks])
    if not chosen.stored:
        remarks.say()
        looked = ", ".join(map(str, roots)) if roots else f"{RESULTS} and the committed records"
        file = name if name in all_methods() else "FILE"
        raise UsageError(f"no records of {name} in {looked}; `simplibench run {file}` makes them")
    others = choose([there.part(lambda place: place[1] != name)], known)
    return Chosen(others.stored + chosen.stored, others.faults | chosen.faults, remarks)


def writer(format: str) -> Callable[[Report], str]:
    """Who writes a format. Raises UsageError where a library for it is missing."""
    if format == "md":
        return report_markdown
    from simplibench.pages import require_libraries

    require_libraries()
    from simplibench.pages.report import report_html

    return report_html


def _source(name: str) -> Source | None:
    """The method's file, if there is still one of that name."""
    method = all_methods().get(name)
    return Source(workspace.told(method.path), source_sha256(method.path)) if method else None


def next_steps(found: Report, committed: bool) -> list[str]:
    """What follows: the rest of the run, the committed records, or the leaderboard; and what a pull request holds."""
    if found.source is None:
        return [f"its file is not here; a pull request needs it as submissions/{file_name(found.submission)}"]
    if any(arena.row.status in ("unranked", "incomplete", "outdated") for arena in found.arenas):
        return ["some of its records do not make a rank", f"next: simplibench run {found.submission}"]
    if workspace.checkout() is None:
        return ["for a pull request, its records are made in a checkout of simplibench, with its file in submissions/"]
    held = f"{found.source.path}, benchmark/records/committed, leaderboard.md and this page"
    if committed:
        return [f"for a pull request: {held}", "next: simplibench leaderboard"]
    run = f"simplibench run {found.submission} --output benchmark/records/committed"
    return [f"for a pull request, when `simplibench leaderboard` has been made anew: {held}", f"next: {run}"]
