"""Worker processes that end with their parent, and at once when the work is broken off."""

import os
import signal
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import active_children, get_context, parent_process
from multiprocessing.util import Finalize
from typing import Any, TypeVar

from simplibench.errors import ProcessLost

MOST_JOBS = 4  # by default: each holds the activations of an arena in memory, about one GiB
LOST = (
    "a process that was to help was killed, perhaps for want of memory (fewer at a time: --jobs 1); what is saved stays, "
    "the same command goes on from there"
)
SAFE_PATH = "PYTHONSAFEPATH"  # what python's -P is in the environment
Item = TypeVar("Item")
Result = TypeVar("Result")
LAST = -1_000  # after all that is to be done at a process's end
SPAWN = get_context("spawn")  # a fork would take over torch's threads in whatever state they are


def default_jobs(device: str) -> int:
    """As many as there are cores, within reason; one on a GPU."""
    return 1 if device == "cuda" else min(os.cpu_count() or 1, MOST_JOBS)


@contextmanager
def workers(count: int, begin: Callable[..., None] | None = None, *arguments: Any) -> Iterator[ProcessPoolExecutor]:
    """A pool of processes, each of which calls `begin(*arguments)` first."""
    pool = ProcessPoolExecutor(count, SPAWN, initializer=_begin, initargs=(begin, arguments))
    try:
        with _interrupts_withheld(), working_folder_unread():
            for _ in range(count):
                pool.submit(int)  # nothing: so that they start now
        yield pool
        pool.shutdown()
    except BaseException as error:
        pool.shutdown(wait=False, cancel_futures=True)  # first, lest another is started while these are ended
        for worker in active_children():
            worker.terminate()
        if isinstance(error, BrokenProcessPool):
            raise ProcessLost(LOST) from None
        raise


@contextmanager
def working_folder_unread() -> Iterator[None]:
    """A file in the working folder that is called like a module is none, in what is started meanwhile."""
    before = os.environ.get(SAFE_PATH)
    os.environ[SAFE_PATH] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ[SAFE_PATH]
        else:
            os.environ[SAFE_PATH] = before


@contextmanager
def _interrupts_withheld() -> Iterator[None]:
    """Ctrl-C waits until what is started meanwhile is started, and does not reach it before it can ignore it."""
    if threading.current_thread() is not threading.main_thread():  # which alone is interrupted
        yield
        return
    arrived: list[int] = []
    handler = signal.signal(signal.SIGINT, lambda number, frame: arrived.append(number))
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})  # what is started inherits it
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
        signal.signal(signal.SIGINT, handler)
    if arrived:
        signal.raise_signal(signal.SIGINT)


def parallel_map(
    call: Callable[[Item], Result], items: Sequence[Item], jobs: int, begin: Callable[..., None] | None = None
) -> list[Result]:
    """Every item's result, in order: this process works on them from the first, jobs - 1 others from the last.

    Others take most of a second to start, in which this one gets on. Give what takes longest first: then little is left to
    wait for where they meet.
    """
    others = min(jobs, len(items)) - 1
    if others < 1:
        return list(map(call, items))
    left = deque(range(1, len(items)))
    # Should this process be broken off, the others are ended first, and the threads that wait for them then end as well.
    with ThreadPoolExecutor(others) as threads, workers(others, begin) as pool:
        waiting = [
            threads.submit(_drain, left, left.pop, lambda number: pool.submit(call, items[number]).result())
            for _ in range(others)
        ]
        found = {0: call(items[0])} | _drain(left, left.popleft, lambda number: call(items[number]))
        for other in waiting:
            found |= other.result()
    return [found[number] for number in range(len(items))]


def _drain(left: deque[int], take: Callable[[], int], call: Callable[[int], Result]) -> dict[int, Result]:
    """Take until there is nothing left; after an error nothing is, so that nobody works on."""
    found: dict[int, Result] = {}
    while True:
        try:
            number = take()
        except IndexError:
            return found
        try:
            found[number] = call(number)
        except BaseException:
            left.clear()
            raise


def _begin(begin: Callable[..., None] | None, arguments: tuple[Any, ...]) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    threading.Thread(target=_leave_with_parent, daemon=True).start()
    if begin is not None:
        begin(*arguments)


def exit_fast() -> None:
    """Have this worker end without ceremony: Python would take apart, object by object, what goes with the process anyway.

    For workers that hold much and leave nothing behind: what is registered with `atexit` is not done.
    """
    Finalize(None, _leave, exitpriority=LAST)


def _leave() -> None:
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


def _leave_with_parent() -> None:
    """End a worker whose parent was killed: it would wait for work for ever."""
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
