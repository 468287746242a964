"""Messages between host and guest: a JSON header over a socket, tensors through shared memory, nothing pickled."""

import json
import mmap
import os
import tempfile
from collections.abc import Mapping
from multiprocessing.connection import Connection
from typing import Any

import torch
from pydantic import BaseModel, ConfigDict, NonNegativeInt, TypeAdapter
from torch import Tensor

ALIGNMENT = 64
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
    """Where a tensor lies in shared memory."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    dtype: str
    shape: tuple[NonNegativeInt, ...]
    offset: NonNegativeInt


LAYOUTS = TypeAdapter(tuple[Layout, ...])


class Memory:
    """A growing piece of shared memory behind an unlinked file: it goes away with its last user, even after a kill."""

    def __init__(self, descriptor: int | None = None) -> None:
        if descriptor is None:
            folder = "/dev/shm" if os.path.isdir("/dev/shm") else None
            with tempfile.TemporaryFile(dir=folder) as file:
                descriptor = os.dup(file.fileno())
        self.descriptor = descriptor
        self._map: mmap.mmap | None = None

    def view(self, size: int, grow: bool = False) -> mmap.mmap:
        """The memory, at least `size` bytes of it; only its writer may grow it."""
        if self._map is None or len(self._map) < size:
            held = os.fstat(self.descriptor).st_size
            if held < size:
                if not grow:
                    raise ValueError(f"shared memory holds {held} bytes, {size} are announced")
                held = max(size, 2 * held)
                os.ftruncate(self.descriptor, held)
            self._map = mmap.mmap(self.descriptor, held)
        return self._map

    def close(self) -> None:
        """Give the memory back once nothing refers to it."""
        os.close(self.descriptor)
        self._map = None


class Channel:
    """One side of a conversation."""

    def __init__(self, connection: Connection, outgoing: Memory, incoming: Memory) -> None:
        self.connection, self.outgoing, self.incoming = connection, outgoing, incoming

    def send(self, header: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> None:
        """Copy the tensors to shared memory and announce them."""
        layouts, offset = [], 0
        for name, tensor in tensors.items():
            layouts.append(Layout(name=name, dtype=str(tensor.dtype), shape=tuple(tensor.shape), offset=offset))
            offset += -(-tensor.nbytes // ALIGNMENT) * ALIGNMENT
        view = self.outgoing.view(offset, grow=True) if offset else None
        for layout, tensor in zip(layouts, tensors.values(), strict=True):
            if view is not None and tensor.numel():
                _at(view, layout).copy_(tensor)
        announced = [layout.model_dump() for layout in layouts]
        self.connection.send_bytes(json.dumps({"header": dict(header), "tensors": announced}).encode())

    def receive(self, copy: bool) -> tuple[dict[str, Any], dict[str, Tensor]]:
        """The next message. Raises EOFError when the other side is gone, ValueError for one that makes no sense.

        Tensors that are not copied change with the shared memory: the host copies, lest a guest changes what was
        checked; a guest need not, since nothing is sent to it before it has answered.
        """
        message = json.loads(self.connection.recv_bytes())
        layouts = LAYOUTS.validate_python(message["tensors"])
        tensors = {layout.name: self._read(layout) for layout in layouts}
        return message["header"], {name: tensor.clone() if copy else tensor for name, tensor in tensors.items()}

    def _read(self, layout: Layout) -> Tensor:
        if layout.dtype not in DTYPES:
            raise ValueError(f"a tensor of {layout.dtype} was announced")
        empty = torch.empty(layout.shape, dtype=DTYPES[layout.dtype])
        return _at(self.incoming.view(layout.offset + empty.nbytes), layout) if empty.numel() else empty

    def close(self) -> None:
        """Close the socket and give the memory back."""
        self.connection.close()
        self.outgoing.close()
        self.incoming.close()


def _at(view: mmap.mmap, layout: Layout) -> Tensor:
    dtype = DTYPES[layout.dtype]
    count = torch.Size(layout.shape).numel()
    return torch.frombuffer(view, dtype=dtype, count=count, offset=layout.offset).view(layout.shape)
