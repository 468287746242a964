"""Units one after the other, or side by side in processes of their own."""

import itertools
import queue
from collections.abc import Iterator
from concurrent.futures import Future, wait
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from multiprocessing.queues import Queue

import torch

from simplibench.allocator import keep_freed_memory
from simplibench.guest import ForkServer
from simplibench.harness.scorer import Contexts, run_unit
from simplibench.harness.unit import Conditions, Places, Progress, Unit
from simplibench.pool import SPAWN, workers, working_folder_unread

LOOK_SECONDS = 0.2  # between looks at how the others get on
Message = tuple[str, int]  # what a step is called and 0, or nothing and a number of steps skipped


def guests(conditions: Conditions) -> AbstractContextManager[ForkServer | None]:
    """Where the submissions' processes come from; none are needed in-process."""
    return nullcontext() if conditions.in_process else ForkServer()


@contextmanager
def one_thread() -> Iterator[None]:
    """A unit runs on one thread, so that its figures do not depend on the number of cores; cores share the units."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    keep_freed_memory()
    try:
        yield
    finally:
        torch.set_num_threads(before)


def run_here(
    units: list[Unit], conditions: Conditions, places: Places, progress: Progress, server: ForkServer | None
) -> int:
    """One unit after the other; how many records were made."""
    contexts = Contexts(conditions)
    with one_thread():
        return sum(run_unit(unit, conditions, server, contexts, places, progress) for unit in units)


def run_side_by_side(units: list[Unit], conditions: Conditions, places: Places, progress: Progress, jobs: int) -> int:
    """Several units at a time, those that share a ground by one process; how many records were made."""
    groups = [list(group) for _, group in itertools.groupby(units, key=lambda unit: (unit.arena_name, unit.seed))]
    with working_folder_unread():  # a queue starts a process of Python's own
        news: Queue[Message] = SPAWN.Queue()
    with workers(min(jobs, len(groups)), _begin, news, conditions) as pool:
        futures = [pool.submit(_run_group, group, conditions, places) for group in groups]
        _follow(futures, news, progress)
    return sum(future.result() for future in futures)


def _follow(futures: "list[Future[int]]", news: "Queue[Message]", progress: Progress) -> None:
    """Pass on how the others get on, until they are done or one fails."""
    waiting = set(futures)
    while waiting:
        done, waiting = wait(waiting, LOOK_SECONDS)
        for future in done:
            future.result()
        try:
            while True:
                what, skipped = news.get_nowait()
                if what:
                    progress.step(what)
                else:
                    progress.skip(skipped)
        except queue.Empty:
            continue


class _Reporter:
    """A progress that tells another process."""

    def __init__(self, news: "Queue[Message]") -> None:
        self.news = news

    def step(self, what: str) -> None:
        self.news.put((what, 0))

    def skip(self, steps: int) -> None:
        self.news.put(("", steps))


@dataclass(frozen=True)
class _Worker:
    """What a worker process keeps from unit to unit."""

    reporter: _Reporter
    server: ForkServer | None  # ends when this process does


_worker: _Worker | None = None  # set when a worker process begins; workers have no other way to keep a thing


def _begin(news: "Queue[Message]", conditions: Conditions) -> None:
    global _worker
    _worker = _Worker(_Reporter(news), None if conditions.in_process else ForkServer())


def _run_group(units: list[Unit], conditions: Conditions, places: Places) -> int:
    assert _worker is not None
    return run_here(units, conditions, places, _worker.reporter, _worker.server)
