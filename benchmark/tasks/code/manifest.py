"""The manifest of the corpus: packages pinned by hash, their licences, and the files read from each."""

from functools import lru_cache
from pathlib import Path
from typing import Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from simplibench.errors import DamagedFile

PACKAGES = Path(__file__).with_name("packages.json")

Group = Literal["train", "unseen-project", "python", "java", "javascript", "go", "c", "cpp", "rust"]
Language = Literal["python", "java", "javascript", "go", "c", "cpp", "rust"]
Kind = Literal["pure-wheel", "platform-wheel", "sdist"]
GROUPS: tuple[Group, ...] = get_args(Group)


class Frozen(BaseModel):
    """A part of the manifest; unknown fields are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Selection(Frozen):
    """The files of a package that go into one group."""

    group: Group
    language: Language
    include: tuple[str, ...] = Field(min_length=1)  # globs with **, *, ? and {a,b}, relative to the archive's root
    drop: tuple[str, ...] = ()  # regular expressions, searched in the path


class Package(Frozen):
    """One archive of the package index."""

    name: str
    version: str
    sha256: str = Field(pattern="^[0-9a-f]{64}$")
    file: str = Field(pattern=r"^[\w.+-]+\.(whl|tar\.gz)$")  # its name in the index
    bytes: int = Field(gt=0)
    licence: str  # SPDX
    kind: Kind  # decides the options that pip gets
    selections: tuple[Selection, ...] = Field(min_length=1)

    @property
    def groups(self) -> tuple[Group, ...]:
        """Return the groups that the package has files for."""
        return tuple(dict.fromkeys(selection.group for selection in self.selections))

    def __str__(self) -> str:
        return f"{self.name} {self.version}"


class Manifest(Frozen):
    """Every package of the corpus."""

    packages: tuple[Package, ...] = Field(min_length=1)

    def of(self, groups: tuple[Group, ...]) -> tuple[Package, ...]:
        """Return the packages that have files for any of `groups`."""
        return tuple(package for package in self.packages if set(package.groups) & set(groups))

    @property
    def groups(self) -> tuple[Group, ...]:
        """Return the groups that have packages, training first."""
        return tuple(group for group in GROUPS if self.of((group,)))


@lru_cache(maxsize=4)
def load_manifest(path: Path = PACKAGES) -> Manifest:
    """Return the manifest, by default the project's. Raises: DamagedFile that lists every problem."""
    try:
        return Manifest.model_validate_json(path.read_bytes())
    except ValidationError as error:
        problems = [f"  {'.'.join(map(str, problem['loc']))}: {problem['msg']}" for problem in error.errors()]
        raise DamagedFile(f"{path}: not a manifest of packages:\n" + "\n".join(problems)) from None
