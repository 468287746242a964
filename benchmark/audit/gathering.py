"""Folders of records as somebody left them: what cannot be used is left out and named, the rest goes on."""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from simplibench import workspace
from simplibench.audit.records import foreign
from simplibench.audit.remarks import Remarks
from simplibench.errors import DamagedFile
from simplibench.records import Stored, Terms, files_below, load, record_path, require_place, without_collection
from simplibench.records.manifests import KeptManifest, kept_manifest
from simplibench.registry import find_arenas, load_task

RowKey = tuple[str, str]  # arena and submission


@dataclass
class Gathered:
    """What a folder has, by submission and arena."""

    root: Path
    stored: dict[RowKey, list[Stored]] = field(default_factory=dict)
    lacking: dict[RowKey, dict[Path, str]] = field(
        default_factory=dict
    )  # where records belong that cannot be used: why
    remarks: Remarks = field(default_factory=Remarks)

    @property
    def label(self) -> str:
        """Return what the folder is called in messages."""
        return "the committed records" if workspace.is_committed(self.root) else f"the records in {self.root}"

    def fault(self, row_key: RowKey) -> str:
        """Return why a submission lacks a record in an arena; empty where it lacks none."""
        return next(iter(self.lacking.get(row_key, {}).values()), "")

    def part(self, wanted: Callable[[RowKey], bool]) -> "Gathered":
        """Return the part of some submissions and arenas, with every remark on files that cannot be used."""
        return Gathered(
            self.root,
            {row_key: stored for row_key, stored in self.stored.items() if wanted(row_key)},
            {row_key: problems for row_key, problems in self.lacking.items() if wanted(row_key)},
            Remarks(self.remarks.left_out, [stored for stored in self.remarks.gone if wanted(_row_key(stored))]),
        )


def paths(root: Path, arenas: Collection[str] | None = None, submissions: Collection[str] | None = None) -> list[Path]:
    """List the files below a folder, in the order of their names.

    With `arenas` or `submissions`, only those that lie where records of these would.
    """
    kept = []
    for _, path in files_below(root):
        parts = path.relative_to(root).parts
        in_place = len(parts) == 4  # task, component, submission, entry
        fits_arena = arenas is None or (in_place and "/".join(parts[:2]) in arenas)
        fits_submission = submissions is None or (in_place and parts[2] in submissions)
        if fits_arena and fits_submission:
            kept.append(path)
    return kept


def gather(
    root: Path, files: Iterable[Path], terms: Mapping[str, Terms], checked: Collection[str] | None = None
) -> Gathered:
    """Read files below a folder; leave out, and remark on, what cannot be used.

    Args:
        root: The folder.
        files: The files to read.
        terms: What every arena ranks, by its name.
        checked: Submissions whose tables beside the records are read too; None: all.

    """
    folder = Gathered(root)
    with without_collection():
        for path in files:
            belongs = path
            try:
                stored = load(path)
                belongs = record_path(root, stored.record)
                require_place(stored, root)
                _require_usable(stored, terms, checked)
            except DamagedFile as error:
                problem = str(error) if str(path) in str(error) else f"{path}: {error}"
                folder.remarks.left_out.append(problem)
                row_key = _row_key_at(root, belongs, terms)
                if row_key and (belongs == path or not belongs.exists()):  # no mere copy of a record that counts
                    folder.lacking.setdefault(row_key, {})[belongs] = problem
            else:
                folder.stored.setdefault(_row_key(stored), []).append(stored)
    return set_gone_apart(folder, terms)


def gather_of(root: Path, submissions: Collection[str], terms: Mapping[str, Terms]) -> Gathered:
    """Read what a folder has of some submissions.

    Everything in a folder that is not the committed one is looked at, so that what cannot be used is remarked on.
    """
    looked_at = paths(root, submissions=submissions if workspace.is_committed(root) else None)
    return gather(root, looked_at, terms, submissions).part(lambda row_key: row_key[1] in submissions)


def gathered(root: Path, records: Iterable[Stored], terms: Mapping[str, Terms]) -> Gathered:
    """Return what a folder has, of records that were read and can all be used."""
    folder = Gathered(root)
    for stored in records:
        folder.stored.setdefault(_row_key(stored), []).append(stored)
    return set_gone_apart(folder, terms)


def set_gone_apart(
    gathered: Gathered, terms: Mapping[str, Terms], manifests: Mapping[str, KeptManifest] | None = None
) -> Gathered:
    """Move the records of entries that their submission's file no longer has to the remarks, and return the folder.

    Args:
        gathered: What the folder has; it is changed.
        terms: What every arena ranks, by its name.
        manifests: By submission, what its file puts forward; None: as kept in the folder. Then committed records all
            count, since the leaderboard is made from them and nothing else.

    """
    if manifests is None and workspace.is_committed(gathered.root):
        return gathered
    for row_key in dict.fromkeys((*gathered.stored, *gathered.lacking)):
        arena, submission = row_key
        try:
            kept = kept_manifest(gathered.root, submission) if manifests is None else manifests.get(submission)
        except DamagedFile as error:
            gathered.remarks.left_out.append(str(error))
            continue
        if kept is None:
            continue
        records, lacking = gathered.stored.get(row_key, []), gathered.lacking.get(row_key, {})
        (ranked,) = find_arenas(load_task(arena.partition("/")[0]), [arena])
        if kept.is_of(records, ranked, terms[arena]):
            gathered.remarks.gone += [stored for stored in records if not kept.has(ranked, stored.path)]
            gathered.stored[row_key] = [stored for stored in records if kept.has(ranked, stored.path)]
            gathered.lacking[row_key] = {path: problem for path, problem in lacking.items() if kept.has(ranked, path)}
    return gathered


def _require_usable(stored: Stored, terms: Mapping[str, Terms], checked: Collection[str] | None) -> None:
    """Raise DamagedFile for a record that fits no task, and for one whose tables are missing or damaged."""
    for problem in foreign(stored, terms):
        raise DamagedFile(f"{stored.path}: {problem}")
    if checked is None or stored.record.submission in checked:
        stored.check_tables()


def _row_key(stored: Stored) -> RowKey:
    """Return the arena and the submission of a record."""
    return stored.record.arena, stored.record.submission


def _row_key_at(root: Path, path: Path, terms: Mapping[str, Terms]) -> RowKey | None:
    """Return the arena and submission whose record a path would be; None where no ranked record can lie."""
    parts = path.relative_to(root).parts
    arena = "/".join(parts[:2])
    if len(parts) != 4 or arena not in terms:
        return None
    seed = path.stem.rpartition(".seed-")[2]
    return (arena, parts[2]) if seed in map(str, terms[arena].seeds) else None
