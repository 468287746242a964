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

Place = tuple[str, str]  # arena and submission


@dataclass
class Gathered:
    """What a folder has."""

    root: Path
    stored: dict[Place, list[Stored]] = field(default_factory=dict)
    lacking: dict[Place, dict[Path, str]] = field(default_factory=dict)  # where records belong that cannot be used: why
    remarks: Remarks = field(default_factory=Remarks)

    @property
    def label(self) -> str:
        """What the folder is called."""
        return "the committed records" if workspace.is_committed(self.root) else f"the records in {self.root}"

    def fault(self, place: Place) -> str:
        """Why a submission lacks a record in an arena; nothing where it lacks none."""
        return next(iter(self.lacking.get(place, {}).values()), "")

    def part(self, wanted: Callable[[Place], bool]) -> "Gathered":
        """What it has of some submissions, with all that is said of the folder's files."""
        return Gathered(
            self.root,
            {place: stored for place, stored in self.stored.items() if wanted(place)},
            {place: problems for place, problems in self.lacking.items() if wanted(place)},
            Remarks(self.remarks.left_out, [one for one in self.remarks.gone if wanted(_place_of(one))]),
        )


def paths(root: Path, arenas: Collection[str] | None = None, submissions: Collection[str] | None = None) -> list[Path]:
    """The files below a folder, or of these only such as lie where records of some arenas or submissions would."""
    found = []
    for _, path in files_below(root):
        parts = path.relative_to(root).parts
        in_place = len(parts) == 4  # task, component, submission, entry
        fits_arena = arenas is None or (in_place and "/".join(parts[:2]) in arenas)
        fits_submission = submissions is None or (in_place and parts[2] in submissions)
        if fits_arena and fits_submission:
            found.append(path)
    return found


def gather(
    root: Path, files: Iterable[Path], terms: Mapping[str, Terms], checked: Collection[str] | None = None
) -> Gathered:
    """Read the files below a folder; of the submissions `checked`, all if None, the tables beside the records too."""
    found = Gathered(root)
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
                found.remarks.left_out.append(problem)
                place = _place(root, belongs, terms)
                if place and (belongs == path or not belongs.exists()):  # no mere copy of a record that counts
                    found.lacking.setdefault(place, {})[belongs] = problem
            else:
                found.stored.setdefault(_place_of(stored), []).append(stored)
    return set_gone_apart(found, terms)


def gather_of(root: Path, submissions: Collection[str], terms: Mapping[str, Terms]) -> Gathered:
    """Read what a folder has of some submissions. What else lies in a folder of one's own is looked at too, and named."""
    looked_at = paths(root, submissions=submissions if workspace.is_committed(root) else None)
    return gather(root, looked_at, terms, submissions).part(lambda place: place[1] in submissions)


def gathered(root: Path, stored: Iterable[Stored], terms: Mapping[str, Terms]) -> Gathered:
    """The same of records that were read and that can all be used."""
    found = Gathered(root)
    for one in stored:
        found.stored.setdefault(_place_of(one), []).append(one)
    return set_gone_apart(found, terms)


def set_gone_apart(
    gathered: Gathered, terms: Mapping[str, Terms], manifests: Mapping[str, KeptManifest] | None = None
) -> Gathered:
    """Set apart the records of entries that a file does not have any more, by its manifest in the folder or as given.

    Committed records all count: the leaderboard is made from them and nothing else.
    """
    if manifests is None and workspace.is_committed(gathered.root):
        return gathered
    for place in dict.fromkeys((*gathered.stored, *gathered.lacking)):
        arena, submission = place
        try:
            kept = kept_manifest(gathered.root, submission) if manifests is None else manifests.get(submission)
        except DamagedFile as error:
            gathered.remarks.left_out.append(str(error))
            continue
        stored, lacking = gathered.stored.get(place, []), gathered.lacking.get(place, {})
        if kept is None:
            continue
        (ranked,) = find_arenas(load_task(arena.partition("/")[0]), [arena])
        if kept.is_of(stored, ranked, terms[arena]):
            gathered.remarks.gone += [one for one in stored if not kept.has(ranked, one.path)]
            gathered.stored[place] = [one for one in stored if kept.has(ranked, one.path)]
            gathered.lacking[place] = {path: problem for path, problem in lacking.items() if kept.has(ranked, path)}
    return gathered


def _require_usable(stored: Stored, terms: Mapping[str, Terms], checked: Collection[str] | None) -> None:
    """Raises DamagedFile for what no task knows, and for tables that are missing or damaged."""
    for problem in foreign(stored, terms):
        raise DamagedFile(f"{stored.path}: {problem}")
    if checked is None or stored.record.submission in checked:
        stored.check_tables()


def _place_of(stored: Stored) -> Place:
    return stored.record.arena, stored.record.submission


def _place(root: Path, path: Path, terms: Mapping[str, Terms]) -> Place | None:
    """Whose record, on a reference that is ranked, a path would be; None where no record can lie."""
    parts = path.relative_to(root).parts
    arena = "/".join(parts[:2])
    if len(parts) != 4 or arena not in terms:
        return None
    seed = path.stem.rpartition(".seed-")[2]
    return (arena, parts[2]) if seed in map(str, terms[arena].seeds) else None
