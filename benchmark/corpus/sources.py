"""Where functions come from, group by group: pinned packages, or the files of CodeSearchNet (arXiv:1909.09436)."""

import gzip
import json
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Protocol

from benchmark.corpus.extract import functions, sources
from benchmark.corpus.fetch import packages_folder, require
from benchmark.corpus.manifest import Group, Language, Manifest, load_manifest
from benchmark.errors import DamagedFile, UsageError
from benchmark.files import cache_folder

# Both groups and languages; the data set has two more, which no grammar here reads.
CODESEARCHNET: dict[Group, Language] = {"python": "python", "java": "java", "javascript": "javascript", "go": "go"}


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


class CodeSearchNet:
    """The data set's own files, `LANGUAGE_PART_N.jsonl` or `.jsonl.gz`, anywhere below a folder.

    Training functions are those of the training part of one language; `unseen-project` is its test part, for the data
    set splits by project; the other groups are the test parts of the other languages.
    """

    def __init__(self, trained: Language = "java", folder: Path | None = None) -> None:
        self._folder = folder
        others = {group: language for group, language in CODESEARCHNET.items() if language != trained}
        self.languages: Mapping[Group, Language] = {"train": trained, "unseen-project": trained, **others}

    @property
    def folder(self) -> Path:
        """The one in the user's cache, if no other was given."""
        return self._folder or cache_folder() / "codesearchnet"

    def missing(self) -> dict[Group, str]:
        """The groups without a file."""
        return {
            group: f"no {self._pattern(group)} below {self.folder}; unpack the data set's {language}.zip there"
            for group, language in self.languages.items()
            if not self._files(group)
        }

    def functions(self, group: Group) -> Iterator[str]:
        """The functions of a group. Raises UsageError where there is no file, DamagedFile for one that is not JSON."""
        if group in self.missing():
            raise UsageError(self.missing()[group])
        for file in self._files(group):
            yield from _json_functions(file)

    def _pattern(self, group: Group) -> str:
        return f"{self.languages[group]}_{'train' if group == 'train' else 'test'}_*.jsonl*"

    def _files(self, group: Group) -> list[Path]:
        return sorted(self.folder.rglob(self._pattern(group)))


def _json_functions(file: Path) -> Iterator[str]:
    """The field `original_string` of every line."""
    done = 0
    try:
        with gzip.open(file, "rt", encoding="utf-8") if file.suffix == ".gz" else file.open(encoding="utf-8") as lines:
            for line in lines:
                yield json.loads(line)["original_string"].replace("\r\n", "\n")
                done += 1
    except (OSError, EOFError, zlib.error, ValueError, KeyError, TypeError, AttributeError) as error:
        raise DamagedFile(
            f"{file}, line {done + 1}: expected JSON lines with the text field original_string, "
            f"got {type(error).__name__}: {error}; fetch the file again"
        ) from None
