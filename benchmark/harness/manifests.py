"""What a submission's file put forward when it was last run, kept beside its records.

A record of an entry that the file no longer has cannot tell so itself, and from the other records it cannot be seen either:
a run may have been broken off.
"""

from collections.abc import Iterable
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from simplibench import workspace
from simplibench.errors import DamagedFile
from simplibench.files import write_text
from simplibench.harness.unit import Unit
from simplibench.methods import Manifest
from simplibench.records import Stored, Terms, entry_path
from simplibench.registry import find_arenas, load_task


class KeptManifest(BaseModel):
    """A manifest, and which file it is of."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    source_sha256: str
    manifest: Manifest

    def has(self, arena: str, path: Path) -> bool:
        """Whether a file name is that of a record of an entry that is put forward for an arena, given with its task."""
        (place,) = find_arenas(load_task(arena.partition("/")[0]), [arena])
        fitting = [entry for entry in self.manifest.entries if entry.fits(place)]
        names = {_entry_part(entry_path(arena, self.manifest.name, entry.label, 0)) for entry in fitting}
        return _entry_part(path) in names

    def is_of(self, stored: Iterable[Stored], terms: Terms) -> bool:
        """Whether it is of the file that made a submission's records of an arena, as far as that has their entries.

        If it is not, it says nothing about the others either.
        """
        return all(
            one.record.source_sha256 == self.source_sha256
            for one in stored
            if one.record.seed in terms.seeds and self.has(one.record.arena, one.path)
        )


def _entry_part(path: Path) -> str:
    """A record's file name without its reference."""
    return path.name.rpartition(".seed-")[0]


def manifest_path(root: Path, submission: str) -> Path:
    """Where the manifest is kept, in a folder of records."""
    return root / f"{submission}.manifest"


def manifests_of(units: Iterable[Unit]) -> dict[str, KeptManifest]:
    """By submission, the manifests of files that are run as they are; of objects, the file says something else."""
    whole = [unit for unit in units if unit.selection is None]
    return {
        unit.manifest.name: KeptManifest(source_sha256=unit.source_sha256, manifest=unit.manifest) for unit in whole
    }


def keep_manifests(units: Iterable[Unit], output: Path) -> None:
    """Write the manifests of units that were run. What is committed is its records and nothing else."""
    if workspace.is_committed(output):
        return
    for name, kept in manifests_of(units).items():
        write_text(manifest_path(output, name), kept.model_dump_json(indent=1) + "\n")


def kept_manifest(root: Path, submission: str) -> KeptManifest | None:
    """The manifest that is kept of a submission, if there is one. Raises DamagedFile."""
    path = manifest_path(root, submission)
    try:
        return KeptManifest.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValidationError):
        raise DamagedFile(f"{path}: cannot be read; run the submission again, which writes it anew") from None
