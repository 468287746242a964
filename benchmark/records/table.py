"""Tables of whole numbers beside a record: what its figures are computed from, without a model."""

import hashlib
import io
import zipfile
import zlib
from dataclasses import dataclass, fields
from functools import lru_cache
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from simplibench.errors import DamagedFile
from simplibench.files import write_bytes

HEADER = 128  # bytes that numpy's header takes for a column
Numbers = npt.NDArray[np.integer]


@dataclass(frozen=True)
class Table:
    """Named columns of whole numbers."""

    def sha256(self) -> str:
        """Return the hash of the content, however it was compressed."""
        digest = hashlib.sha256()
        for field in fields(self):
            column = np.asarray(getattr(self, field.name))
            digest.update(f"{field.name}:{len(column)}\n".encode())
            digest.update(np.ascontiguousarray(column, "<i8").data)
        return digest.hexdigest()

    def save(self, path: Path) -> None:
        """Write compressed, whole or not at all."""
        columns = {field.name: np.asarray(getattr(self, field.name)) for field in fields(self)}

        content = io.BytesIO()
        np.savez_compressed(content, allow_pickle=False, **columns)
        write_bytes(path, content.getvalue())

    @classmethod
    def load(cls, path: Path, sha256: str) -> Self:
        """Read and check against the hash a record gives. Raises DamagedFile."""
        try:
            with zipfile.ZipFile(path) as stored:
                table = cls(
                    **{field.name: _column(stored.read(f"{field.name}.npy"), field.name) for field in fields(cls)}
                )
        except FileNotFoundError:
            raise DamagedFile(f"{path}: missing; its records cannot be checked without it, run them again") from None
        except (OSError, ValueError, KeyError, EOFError, NotImplementedError, zipfile.BadZipFile, zlib.error) as error:
            raise DamagedFile(f"{path}: cannot be read ({error}); run its records again") from None
        if table.sha256() != sha256:
            raise DamagedFile(f"{path}: its records expect sha256 {sha256}, got {table.sha256()}; run them again")
        return table


def _column(content: bytes, name: str) -> Numbers:
    """Return a column as stored in numpy's format. Raises ValueError for anything but a list of whole numbers."""
    dtype, shape, start = _header(content[:HEADER])
    if len(shape) != 1 or not np.issubdtype(dtype, np.integer):
        raise ValueError(f"{name} must be a column of whole numbers, got {dtype} of shape {shape}")
    return np.frombuffer(content, dtype, shape[0], start)


@lru_cache(maxsize=256)
def _header(beginning: bytes) -> tuple[np.dtype[Any], tuple[int, ...], int]:
    """Return type, shape and where the numbers begin. Kept: numpy takes as long for a header as for the numbers."""
    file = io.BytesIO(beginning)
    if np.lib.format.read_magic(file) != (1, 0):
        raise ValueError("expected numpy's format 1.0")
    shape, _, dtype = np.lib.format.read_array_header_1_0(file)
    return dtype, shape, file.tell()
