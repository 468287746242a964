"""Where functions come from, group by group: what a source is, and that of pinned packages."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Protocol

from simplibench.tasks.code.extract import functions, sources
from simplibench.tasks.code.fetch import packages_folder, require
from simplibench.tasks.code.manifest import Group, Language, Manifest, load_manifest


class Source(Protocol):
    """Functions of a training group, `train`, and of the groups that a model is tested on."""

    @property
    def languages(self) -> Mapping[Group, Language]:
        """The language of each group, training first."""

    def missing(self) -> dict[Group, str]:
        """The groups that cannot be read here: what is not there, and what to do."""

    def functions(self, group: Group) -> Iterator[str]:
        """The functions of a group, duplicates and all. Raises UsageError or DamagedFile."""


class PinnedPackages:
    """The functions of the manifest's packages, from their archives in a folder."""

    def __init__(self, manifest: Manifest | None = None, folder: Path | None = None) -> None:
        self._manifest, self._folder = manifest, folder

    @property
    def manifest(self) -> Manifest:
        """The project's own, if no other was given."""
        return self._manifest or load_manifest()

    @property
    def folder(self) -> Path:
        """The one in the user's cache, if no other was given."""
        return self._folder or packages_folder()

    @property
    def languages(self) -> Mapping[Group, Language]:
        """The language of each group, training first."""
        packages = self.manifest.packages
        by_group = {one.group: one.language for package in packages for one in package.selections}
        return {group: by_group[group] for group in self.manifest.groups}

    def missing(self) -> dict[Group, str]:
        """The groups with packages that are not in the folder."""
        found: dict[Group, str] = {}
        for group in self.manifest.groups:
            absent = [str(one) for one in self.manifest.of((group,)) if not (self.folder / one.file).is_file()]
            if absent:
                found[group] = (
                    f"not fetched: {', '.join(absent)}; "
                    f"`simplibench data fetch code-python --only {group}` fetches what it needs"
                )
        return found

    def functions(self, group: Group) -> Iterator[str]:
        """The functions of a group. Raises UsageError or DamagedFile where a package is missing or changed."""
        for package in self.manifest.of((group,)):
            archive = require(package, self.folder)
            for selection in package.selections:
                if selection.group == group:
                    for _, text in sources(archive, selection):
                        yield from functions(text, selection.language)
