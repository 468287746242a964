"""Sources of functions, group by group: their interface, and the source of pinned packages."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Protocol

from simplibench.tasks.code.extract import functions, sources
from simplibench.tasks.code.fetch import packages_folder, require
from simplibench.tasks.code.manifest import Group, Language, Manifest, load_manifest


class Source(Protocol):
    """A source of functions: a training group, `train`, and the groups that a model is tested on."""

    @property
    def languages(self) -> Mapping[Group, Language]:
        """Return the language of each group, training first."""

    def missing(self) -> dict[Group, str]:
        """Return the groups that cannot be read here, with what is missing and what to do."""

    def functions(self, group: Group) -> Iterator[str]:
        """Yield the functions of a group, duplicates included. Raises: UsageError or DamagedFile."""


class PinnedPackages:
    """The functions of the manifest's packages, from their archives in a folder."""

    def __init__(self, manifest: Manifest | None = None, folder: Path | None = None) -> None:
        self._manifest, self._folder = manifest, folder

    @property
    def manifest(self) -> Manifest:
        """Return the manifest that was given, by default the project's."""
        return self._manifest or load_manifest()

    @property
    def folder(self) -> Path:
        """Return the folder that was given, by default the one in the user's cache."""
        return self._folder or packages_folder()

    @property
    def languages(self) -> Mapping[Group, Language]:
        """Return the language of each group, training first."""
        packages = self.manifest.packages
        by_group = {selection.group: selection.language for package in packages for selection in package.selections}
        return {group: by_group[group] for group in self.manifest.groups}

    def missing(self) -> dict[Group, str]:
        """Return the groups with packages that are not in the folder, with advice."""
        advice: dict[Group, str] = {}
        for group in self.manifest.groups:
            packages = self.manifest.of((group,))
            absent = [str(package) for package in packages if not (self.folder / package.file).is_file()]
            if absent:
                advice[group] = (
                    f"not fetched: {', '.join(absent)}; "
                    f"`simplibench data fetch code-python --only {group}` fetches what it needs"
                )
        return advice

    def functions(self, group: Group) -> Iterator[str]:
        """Yield the functions of a group. Raises: UsageError if a package is missing, DamagedFile if it was changed."""
        for package in self.manifest.of((group,)):
            archive = require(package, self.folder)
            for selection in package.selections:
                if selection.group == group:
                    for _, text in sources(archive, selection):
                        yield from functions(text, selection.language)
