"""Functions of CodeSearchNet (arXiv:1909.09436), from its files in a folder or through the library `datasets`.

The library has been tried on a stand-in only, not on the data set.
"""

import gzip
import importlib.util
import json
import zlib
from collections.abc import Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import Literal

from simplibench.errors import DamagedFile, UsageError
from simplibench.files import cache_folder
from simplibench.tasks.code.manifest import Group, Language

# Group -> language. The data set has two more languages, which no grammar here reads.
LANGUAGES: dict[Group, Language] = {"python": "python", "java": "java", "javascript": "javascript", "go": "go"}
LIBRARY, ITS_NAME, ITS_FIELD = "datasets", "code-search-net/code_search_net", "whole_func_string"


class CodeSearchNet:
    """A source of functions: the data set's files `LANGUAGE_PART_N.jsonl[.gz]` anywhere below a folder, else the library.

    Training functions are the training part of one language. `unseen-project` is its test part, since the data set is
    split by project. The other groups are the test parts of the other languages.
    """

    def __init__(self, trained: Language = "java", folder: Path | None = None) -> None:
        self._folder = folder
        others = {group: language for group, language in LANGUAGES.items() if language != trained}
        self.languages: Mapping[Group, Language] = {"train": trained, "unseen-project": trained, **others}

    @property
    def folder(self) -> Path:
        """Return the folder that was given, by default one in the user's cache."""
        return self._folder or cache_folder() / "codesearchnet"

    def missing(self) -> dict[Group, str]:
        """Return the groups without a file, and what to do; none if the library is installed, which fetches them itself."""
        if _has_library():
            return {}
        return {
            group: f"no {self._pattern(group)} below {self.folder}; unpack the data set's {language}.zip there, "
            f"or `pip install {LIBRARY}`"
            for group, language in self.languages.items()
            if not self._files(group)
        }

    def functions(self, group: Group) -> Iterator[str]:
        """Yield the functions of a group. Raises: UsageError if there is no file, DamagedFile if one is not JSON lines."""
        if group in self.missing():
            raise UsageError(self.missing()[group])
        if not self._files(group):
            yield from _library_functions(self.languages[group], self._part(group))
        for file in self._files(group):
            yield from _json_functions(file)

    def _part(self, group: Group) -> Literal["train", "test"]:
        return "train" if group == "train" else "test"

    def _pattern(self, group: Group) -> str:
        return f"{self.languages[group]}_{self._part(group)}_*.jsonl*"

    def _files(self, group: Group) -> list[Path]:
        return sorted(self.folder.rglob(self._pattern(group)))


def _has_library() -> bool:
    return importlib.util.find_spec(LIBRARY) is not None


def _library_functions(language: Language, part: str) -> Iterator[str]:
    try:
        for row in import_module(LIBRARY).load_dataset(ITS_NAME, language, split=part):
            yield row[ITS_FIELD].replace("\r\n", "\n")
    except (ImportError, OSError, ValueError, KeyError, AttributeError, RuntimeError) as error:
        raise UsageError(
            f"{LIBRARY} gave no field {ITS_FIELD} of {ITS_NAME}, {language}, {part} ({type(error).__name__}: {error}); "
            "unpack the data set's files instead"
        ) from None


def _json_functions(file: Path) -> Iterator[str]:
    """Yield the field `original_string` of every line."""
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
