"""Where things are: in the checkout that this package is run from, or, of an installed copy, in the current folder."""

import tomllib
from pathlib import Path

NAME = "simplibench"
PACKAGE = Path(__file__).parent  # `benchmark` of a checkout, `simplibench` among the installed packages


def _checkout_of(package: Path) -> Path | None:
    """Return the folder that holds a package and the pyproject.toml of simplibench; None of an installed copy."""
    try:
        project = tomllib.loads((package.parent / "pyproject.toml").read_text(encoding="utf-8"))["project"]["name"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return package.parent if (package.name, project) == ("benchmark", NAME) else None


CHECKOUT = _checkout_of(PACKAGE)


def checkout() -> Path | None:
    """Return the checkout that the package is run from; None of an installed copy, whose folders are never written to."""
    return CHECKOUT


def root() -> Path:
    """Return where pages and submissions lie, and what paths are told relative to: the checkout, else the current folder."""
    return checkout() or Path.cwd()


def submissions() -> Path:
    """Return the folder of submissions that can be named without a path. An installed copy need not have one."""
    return root() / "submissions"


def page() -> Path:
    """Return the leaderboard that is written and checked unless another is named."""
    return root() / "leaderboard.md"


def figure() -> Path:
    """Return the picture that stands in the README."""
    return root() / "docs" / "leaderboard.png"


def committed() -> Path:
    """Return the folder of the records that leaderboard.md is made from; an installed copy carries them."""
    where = checkout()
    return (where / "benchmark" if where else PACKAGE) / "records" / "committed"


def is_committed(path: Path) -> bool:
    """Return whether a file or folder is, or lies among, the committed records."""
    return path.resolve().is_relative_to(committed().resolve())


def told(path: Path) -> str:
    """Return a path as readers are told it: below the root or the package relative to it, any other as it is."""
    for folder in (root(), PACKAGE):
        if path.is_relative_to(folder):
            return path.relative_to(folder).as_posix()
    return path.as_posix()
