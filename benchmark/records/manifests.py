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
from simplibench.methods import Manifest
from simplibench.records.paths import entry_path
from simplibench.records.record import Terms
from simplibench.records.store import Stored
from simplibench.tasks import Arena


class KeptManifest(BaseModel):
    """A manifest, and which file it is of."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    source_sha256: str
    manifest: Manifest

    def has(self, arena: Arena, path: Path) -> bool:
        """Return whether a file name is that of a record of an entry that is put forward for an arena."""
        fitting = [entry for entry in self.manifest.entries if entry.fits(arena)]
        names = {_entry_part(entry_path("", self.manifest.name, entry.label, 0)) for entry in fitting}
        return _entry_part(path) in names

    def is_of(self, stored: Iterable[Stored], arena: Arena, terms: Terms) -> bool:
        """Return whether it is of the file that made a submission's records of an arena, as far as that has their entries.

        If it is not, it says nothing about the others either.
        """
        return all(
            record.source_sha256 == self.source_sha256
            for record, path in ((kept.record, kept.path) for kept in stored)
            if record.seed in terms.seeds and self.has(arena, path)
        )


def _entry_part(path: Path) -> str:
    """Return a record's file name without its reference."""
    return path.name.rpartition(".seed-")[0]


def manifest_path(root: Path, submission: str) -> Path:
    """Return where the manifest is kept, in a folder of records."""
    return root / f"{submission}.manifest"


def keep_manifests(manifests: Iterable[KeptManifest], output: Path) -> None:
    """Write manifests of submissions that were run. What is committed is its records and nothing else."""
    if workspace.is_committed(output):
        return
    for kept in manifests:
        write_text(manifest_path(output, kept.manifest.name), kept.model_dump_json(indent=1) + "\n")


def kept_manifest(root: Path, submission: str) -> KeptManifest | None:
    """Return the manifest that is kept of a submission, if there is one. Raises DamagedFile."""
    path = manifest_path(root, submission)
    try:
        return KeptManifest.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValidationError):
        raise DamagedFile(f"{path}: cannot be read; run the submission again, which writes it anew") from None
