"""How fast a proxy runs, beside the reference on the same batch."""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import torch

from simplibench.errors import UsageError

REPETITIONS = 5
T = TypeVar("T")


@dataclass(frozen=True)
class Ratio:
    """Time of one thing over time of another, measured in turn: quartiles."""

    low: float
    median: float
    high: float


def interleaved_ratio(proxy: Callable[[], float], reference: Callable[[], object], device: str) -> Ratio:
    """Return the ratio of both, run in turn after a warm-up.

    `proxy` returns its own seconds; the reference is timed from outside.
    """
    proxy(), reference()
    ratios = []
    for _ in range(REPETITIONS):
        seconds, _ = timed(reference, device)
        ratios.append(proxy() / seconds)
    low, median, high = statistics.quantiles(ratios, n=4, method="inclusive")
    return Ratio(low, median, high)


def timed(action: Callable[[], T], device: str) -> tuple[float, T]:
    """Return the seconds an action takes, the device's queue included, and its result."""
    synchronise(device)
    start = time.perf_counter()
    result = action()
    synchronise(device)
    return time.perf_counter() - start, result


def synchronise(device: str) -> None:
    """Wait until the device has done what it was told."""
    if device == "cuda":
        torch.cuda.synchronize()


def resolve_device(asked: str) -> str:
    """Return cpu or cuda; `auto` is CUDA where there is one. Raises: UsageError for a device that is not there."""
    if asked not in ("auto", "cpu", "cuda"):
        raise UsageError(f"--device must be auto, cpu or cuda, got {asked}")
    if asked == "cuda" and not torch.cuda.is_available():
        raise UsageError(
            f"--device cuda: this torch ({torch.__version__}) sees no CUDA device; use --device cpu, or install a CUDA build"
        )
    return ("cuda" if torch.cuda.is_available() else "cpu") if asked == "auto" else asked
