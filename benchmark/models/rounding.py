"""Products of matrices in bfloat16, at the speed of float32 where the processor knows no bfloat16.

Mixed precision rounds both factors to bfloat16, adds their products up in float32 and rounds the sum. A processor with
instructions for it (AMX, AVX-512 BF16) does so at once. On any other, torch converts number by number, which takes about
ten times as long as float32. Rounding whole matrices and multiplying them in float32 gives the same numbers, but for the
order of the sums: the product of two bfloat16 has 16 significant bits, so that float32 holds it exactly.
"""

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode


def mixed_precision(device: str, *, bfloat16: bool) -> AbstractContextManager[object]:
    """Return the context in which a network's products are made in bfloat16, or as they are where `bfloat16` is false."""
    if not bfloat16:
        return nullcontext()
    if torch.device(device).type == "cpu" and not torch.ops.mkldnn._is_mkldnn_bf16_supported():
        return RoundedProducts()
    return torch.autocast(device, torch.bfloat16)


class RoundedProducts(TorchFunctionMode):
    """A context in which linear layers round what they multiply, and what they return, to bfloat16.

    The gradients are rounded at the same places, since the gradient of a rounding is rounded to the same type.
    """

    def __torch_function__(
        self, func: Callable[..., Any], types: Iterable[type], args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        """Run one operation of torch: a linear layer rounded, any other as it is."""
        if func is F.linear:
            rounded: list[Any] = [None if operand is None else operand.bfloat16().float() for operand in args]
            return F.linear(*rounded).bfloat16()
        return func(*args, **(kwargs or {}))
