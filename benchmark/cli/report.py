"""`report`: write the page of one submission."""

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
from simplibench.cli.page import task_labels
from simplibench.cli.printing import require_folders, require_format
from simplibench.errors import UsageError
from simplibench.files import require_file, write_text
from simplibench.methods import source_sha256
from simplibench.methods.template import file_name
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
    """Print or write the page of a submission, and say what comes next.

    Args:
        name: The submission, as its records call it.
        roots: Folders of its records, the last preferred; None: `results`, then the committed records.
        output: The file to write; None: print it.
        format: md or html.

    Raises:
        UsageError: A folder does not exist, the file cannot be written, or there is no record of the submission.

    """
    require_format(format, "md", "html")
    require_folders(roots)
    if output:
        require_file("--output", output)
    chosen = counting(name, roots)
    chosen.remarks.say()
    gone = gone_lines(chosen.remarks.gone)
    made = report_of(
        chosen.stored, name, terms(), _source(name), workspace.root(), task_labels(), faults=chosen.faults, gone=gone
    )
    text = writer(format)(made)
    if output:
        write_text(output, text)
        print(f"wrote {output} from {len(made.paths)} records of {name}")
    else:
        print(text, end="")
    # A page on standard output is for a file or a pipe; what comes next is for the reader.
    paths_of_records = [stored.path for stored in chosen.stored if stored.record.submission == name]
    committed = all(map(workspace.is_committed, paths_of_records))
    print("\n".join(next_steps(made, committed)), file=sys.stdout if output else sys.stderr)


def counting(name: str, roots: list[Path] | None) -> Chosen:
    """Return a submission's records that count, and the other submissions' committed records of the same arenas.

    `roots`: folders of the submission's records, the last preferred; None: `results`, then the committed records. Raises
    UsageError where it has none.
    """
    known, committed = terms(), workspace.committed()
    folders = [gather_of(root, (name,), known) for root in reversed(roots or [RESULTS])]
    arenas = {arena for folder in folders for arena, _ in (*folder.stored, *folder.lacking)}
    if not roots:
        arenas |= {"/".join(path.relative_to(committed).parts[:2]) for path in paths(committed, submissions=(name,))}
    agreed = gather(committed, paths(committed, arenas), known)
    folders += [] if roots else [agreed.part(lambda place: place[1] == name)]
    chosen = choose(folders, known)
    remarks = Remarks.of([chosen.remarks, agreed.remarks])
    if not chosen.stored:
        remarks.say()
        looked = ", ".join(map(str, roots)) if roots else f"{RESULTS} and the committed records"
        file = name if name in all_methods() else "FILE"
        raise UsageError(f"no records of {name} in {looked}; `simplibench run {file}` makes them")
    others = choose([agreed.part(lambda place: place[1] != name)], known)
    return Chosen(others.stored + chosen.stored, others.faults | chosen.faults, remarks)


def writer(format: str) -> Callable[[Report], str]:
    """Return the function that makes a page's text, md or html. Raises UsageError where a library for it is missing."""
    if format == "md":
        return report_markdown
    from simplibench.pages import require_libraries

    require_libraries()
    from simplibench.pages.report import report_html

    return report_html


def _source(name: str) -> Source | None:
    """Return the file of a method, or None where there is none of that name."""
    method = all_methods().get(name)
    return Source(workspace.told(method.path), source_sha256(method.path)) if method else None


def next_steps(made: Report, committed: bool) -> list[str]:
    """Return lines on what comes next: the rest of the run, the committed records, or the leaderboard.

    `committed`: whether all of the submission's records are. Says also what a pull request holds.
    """
    if made.source is None:
        return [f"its file is not here; a pull request needs it as submissions/{file_name(made.submission)}"]
    if any(arena.row.status in ("unranked", "incomplete", "outdated") for arena in made.arenas):
        return ["some of its records do not make a rank", f"next: simplibench run {made.submission}"]
    if workspace.checkout() is None:
        return ["for a pull request, its records are made in a checkout of simplibench, with its file in submissions/"]
    held = f"{made.source.path}, benchmark/records/committed, leaderboard.md and this page"
    if committed:
        return [f"for a pull request: {held}", "next: simplibench leaderboard"]
    run = f"simplibench run {made.submission} --output benchmark/records/committed"
    return [f"for a pull request, when `simplibench leaderboard` has been made anew: {held}", f"next: {run}"]
