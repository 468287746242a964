"""Tables of whole numbers beside a record: what its figures are computed from, without a model."""

import hashlib
import zipfile
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from benchmark.errors import DamagedFile
from benchmark.files import write_atomically

Numbers = npt.NDArray[np.integer]


@dataclass(frozen=True)
class Table:
    """Named columns of whole numbers."""

    def sha256(self) -> str:
        """Hash of the content, however it was compressed."""
        digest = hashlib.sha256()
        for field in fields(self):
            column = np.asarray(getattr(self, field.name))
            digest.update(f"{field.name}:{len(column)}\n".encode())
            digest.update(column.astype("<i8").tobytes())
        return digest.hexdigest()

    def save(self, path: Path) -> None:
        """Write compressed, whole or not at all."""
        columns = {field.name: np.asarray(getattr(self, field.name)) for field in fields(self)}

        def write(temporary: Path) -> None:
            with temporary.open("wb") as file:
                np.savez_compressed(file, allow_pickle=False, **columns)

        write_atomically(path, write)

    @classmethod
    def load(cls, path: Path, sha256: str) -> Self:
        """Read and check against the hash a record gives. Raises DamagedFile."""
        try:
            with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
                table = cls(**{field.name: _column(stored[field.name], field.name) for field in fields(cls)})
        except FileNotFoundError:
            raise DamagedFile(f"{path}: missing; its records cannot be checked without it, run them again") from None
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
            raise DamagedFile(f"{path}: cannot be read ({error}); run its records again") from None
        if table.sha256() != sha256:
            raise DamagedFile(f"{path}: its records expect sha256 {sha256}, got {table.sha256()}; run them again")
        return table


def _column(values: npt.NDArray[Any], name: str) -> Numbers:
    """A column as stored. Raises ValueError for anything but a list of whole numbers."""
    if values.ndim != 1 or not np.issubdtype(values.dtype, np.integer):
        raise ValueError(f"{name} must be a column of whole numbers, got {values.dtype} of shape {values.shape}")
    return values
