"""Worker processes that end when their parent does, and immediately when the work is broken off."""

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
    """Return the number of processes to use: one per core, at most MOST_JOBS; one on a GPU."""
    return 1 if device == "cuda" else min(os.cpu_count() or 1, MOST_JOBS)


@contextmanager
def workers(count: int, begin: Callable[..., None] | None = None, *arguments: Any) -> Iterator[ProcessPoolExecutor]:
    """Start a pool of `count` processes, each of which calls `begin(*arguments)` first.

    Raises ProcessLost where one is killed.
    """
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
    """Keep processes that are started meanwhile from importing files of the working folder as modules."""
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
    """Hold Ctrl-C back while processes are started, so that it does not reach them before they ignore it."""
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
    """Return `call` of every item, in their order; `jobs` processes, of which this is one, work on them.

    This process begins with the first item, the others with the last: they take most of a second to start. Order the
    items by the time they take, the longest first, so that where the two meet there is little to wait for.

    Args:
        call: A function that can be pickled.
        items: Its arguments.
        jobs: The number of processes.
        begin: What each of the other processes calls first.

    Raises:
        ProcessLost: A process was killed.

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
        results = {0: call(items[0])} | _drain(left, left.popleft, lambda number: call(items[number]))
        for other in waiting:
            results |= other.result()
    return [results[number] for number in range(len(items))]


def _drain(left: deque[int], take: Callable[[], int], call: Callable[[int], Result]) -> dict[int, Result]:
    """Call with numbers taken until none is left, and return the results; an error empties `left` for everybody."""
    results: dict[int, Result] = {}
    while True:
        try:
            number = take()
        except IndexError:
            return results
        try:
            results[number] = call(number)
        except BaseException:
            left.clear()
            raise


def _begin(begin: Callable[..., None] | None, arguments: tuple[Any, ...]) -> None:
    """Set up a worker: it ignores Ctrl-C and ends with its parent."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    threading.Thread(target=_leave_with_parent, daemon=True).start()
    if begin is not None:
        begin(*arguments)


def exit_fast() -> None:
    """Let this worker exit without freeing its objects one by one, which takes long where there are many.

    For workers that leave nothing behind: functions registered with `atexit` are not called.
    """
    Finalize(None, _leave, exitpriority=LAST)


def _leave() -> None:
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


def _leave_with_parent() -> None:
    """Wait for the parent's end, then end this worker, which would wait for work for ever."""
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
