"""The channel between host and guest: JSON over a socket, tensors through shared memory, nothing pickled."""

import errno
import json
import mmap
import os
import sys
import tempfile
from collections.abc import Mapping
from multiprocessing.connection import Connection
from typing import Any

import torch
from pydantic import BaseModel, ConfigDict, NonNegativeInt, TypeAdapter
from torch import Tensor

ALIGNMENT = 64
STEP = 2**20  # bytes that shared memory grows by
DTYPES = {
    str(dtype): dtype
    for dtype in (
        torch.float16,
        torch.bfloat16,
        torch.float32,
        torch.float64,
        torch.bool,
        torch.uint8,
        torch.int8,
        torch.int16,
        torch.int32,
        torch.int64,
    )
}


class Layout(BaseModel):
    """The place of a tensor in shared memory."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    dtype: str
    shape: tuple[NonNegativeInt, ...]
    offset: NonNegativeInt


LAYOUTS = TypeAdapter(tuple[Layout, ...])


class MemoryRefused(Exception):
    """The system refuses the shared memory that a message needs; the text says how much that is."""


class Memory:
    """Shared memory that grows and has no name, so that it goes away with its last user, even after a kill.

    On Linux it is a `memfd`, which the size of /dev/shm does not limit; elsewhere an unlinked file in the temporary folder.
    Memory is reserved before it is written: a write without room would end the process by SIGBUS, without a message.
    """

    def __init__(self, descriptor: int | None = None) -> None:
        self.descriptor = _unnamed() if descriptor is None else descriptor
        self._map: mmap.mmap | None = None

    def view(self, size: int) -> mmap.mmap:
        """Return at least `size` bytes of the memory for reading. Raises: ValueError if its writer made it smaller."""
        held = os.fstat(self.descriptor).st_size
        if held < size:
            raise ValueError(f"shared memory holds {held} bytes, {size} are announced")
        return self._mapped(size, held)

    def grown(self, size: int) -> mmap.mmap:
        """Return the memory for writing, grown to hold `size` bytes. Raises: MemoryRefused."""
        held = os.fstat(self.descriptor).st_size
        if held < size:
            wanted = -(-size // STEP) * STEP
            _reserve(self.descriptor, held, wanted)
            held = wanted
        return self._mapped(size, held)

    def close(self) -> None:
        """Release the memory; it is freed once nothing refers to it."""
        os.close(self.descriptor)
        self._map = None

    def _mapped(self, size: int, held: int) -> mmap.mmap:
        if self._map is None or len(self._map) < size:
            self._map = mmap.mmap(self.descriptor, held)
        return self._map


def _unnamed() -> int:
    if sys.platform == "linux":
        return os.memfd_create("simplibench", os.MFD_CLOEXEC)
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())


def _reserve(descriptor: int, held: int, wanted: int) -> None:
    try:
        if sys.platform == "linux":
            os.posix_fallocate(descriptor, held, wanted - held)
        else:
            os.ftruncate(descriptor, wanted)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.ENOMEM, errno.EFBIG):
            raise
        raise MemoryRefused(
            f"{wanted / 2**20:.0f} MiB of shared memory were needed for one message, the system gave "
            f"{held / 2**20:.0f} MiB ({os.strerror(error.errno)}); free memory, or run fewer units at a time (--jobs)"
        ) from None


class Channel:
    """One end of the connection between host and guest."""

    def __init__(self, connection: Connection, outgoing: Memory, incoming: Memory) -> None:
        self.connection, self.outgoing, self.incoming = connection, outgoing, incoming

    def send(self, message: BaseModel, tensors: Mapping[str, Tensor] | None = None) -> None:
        """Copy the tensors to shared memory and send the message with their layouts.

        Raises: MemoryRefused; BrokenPipeError if the other side is gone.
        """
        layouts, offset = [], 0
        for name, tensor in (tensors or {}).items():
            layouts.append(Layout(name=name, dtype=str(tensor.dtype), shape=tuple(tensor.shape), offset=offset))
            offset += -(-tensor.nbytes // ALIGNMENT) * ALIGNMENT
        view = self.outgoing.grown(offset) if offset else None
        for layout, tensor in zip(layouts, (tensors or {}).values(), strict=True):
            if view is not None and tensor.numel():
                _at(view, layout).copy_(tensor)
        content = {"message": message.model_dump(mode="json"), "tensors": [layout.model_dump() for layout in layouts]}
        self.connection.send_bytes(json.dumps(content).encode("ascii"))

    def receive(self, copy: bool) -> tuple[Any, dict[str, Tensor]]:
        """Return the next message, not yet validated, and its tensors.

        Tensors that are not copied change with the shared memory. The host copies them, so that a guest cannot change
        what was checked. A guest need not: it is sent nothing before it has answered.

        Raises: EOFError if the other side is gone, ValueError for a malformed message.
        """
        content = json.loads(self.connection.recv_bytes())
        layouts = LAYOUTS.validate_python(content["tensors"])
        tensors = {layout.name: self._read(layout) for layout in layouts}
        return content["message"], {name: tensor.clone() if copy else tensor for name, tensor in tensors.items()}

    def _read(self, layout: Layout) -> Tensor:
        if layout.dtype not in DTYPES:
            raise ValueError(f"a tensor of {layout.dtype} was announced")
        size = DTYPES[layout.dtype].itemsize * torch.Size(layout.shape).numel()
        if not size:
            return torch.empty(layout.shape, dtype=DTYPES[layout.dtype])
        return _at(self.incoming.view(layout.offset + size), layout)

    def close(self) -> None:
        """Close the socket and release the memory."""
        self.connection.close()
        self.outgoing.close()
        self.incoming.close()


def _at(view: mmap.mmap, layout: Layout) -> Tensor:
    dtype = DTYPES[layout.dtype]
    count = torch.Size(layout.shape).numel()
    return torch.frombuffer(view, dtype=dtype, count=count, offset=layout.offset).view(layout.shape)
