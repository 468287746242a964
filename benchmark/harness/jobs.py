"""Units side by side, in processes of their own."""

import queue
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, wait
from contextlib import contextmanager
from multiprocessing.queues import Queue

import torch

from simplibench.allocator import keep_freed_memory
from simplibench.harness.progress import Progress
from simplibench.harness.unit import Unit
from simplibench.pool import SPAWN, workers, working_folder_unread

LOOK_SECONDS = 0.2  # between looks at the progress of the others
Message = tuple[str, int]  # what a step is called and 0, or nothing and a number of steps skipped
Score = Callable[[Sequence[Unit]], int]  # scores units one after the other; returns how many records were made


@contextmanager
def one_thread() -> Iterator[None]:
    """Run on one thread, so that no figure depends on the number of cores; cores share the units."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    keep_freed_memory()
    try:
        yield
    finally:
        torch.set_num_threads(before)


def score_side_by_side(
    groups: Sequence[Sequence[Unit]], begin: Callable[[Progress], Score], progress: Progress, jobs: int
) -> int:
    """Score several groups of units at a time, each in one process; return how many records were made.

    Every process calls `begin` first, with a progress that tells `progress`, and scores with what it returns.
    """
    with working_folder_unread():  # a queue starts a process of Python's own
        news: Queue[Message] = SPAWN.Queue()
    with workers(min(jobs, len(groups)), _begin, begin, news) as pool:
        futures = [pool.submit(_score_group, group) for group in groups]
        _follow(futures, news, progress)
    return sum(future.result() for future in futures)


def _follow(futures: "list[Future[int]]", news: "Queue[Message]", progress: Progress) -> None:
    """Pass the progress of the others on, until they are done or one fails."""
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


class QueueProgress:
    """A progress that tells another process, in which the run begins and ends."""

    def __init__(self, news: "Queue[Message]") -> None:
        self.news = news

    def begin(self, steps: int) -> None:
        """Do nothing."""

    def step(self, what: str) -> None:
        """Tell that a step begins."""
        self.news.put((what, 0))

    def skip(self, steps: int) -> None:
        """Tell that so many steps are not needed."""
        self.news.put(("", steps))

    def end(self) -> None:
        """Do nothing."""


_score: Score | None = None  # set when a worker process begins; workers have no other way to keep a thing


def _begin(begin: Callable[[Progress], Score], news: "Queue[Message]") -> None:
    global _score
    _score = begin(QueueProgress(news))


def _score_group(units: Sequence[Unit]) -> int:
    assert _score is not None
    return _score(units)
