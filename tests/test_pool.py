"""Work shared out among this process and others: all of it is done, once, and an error ends it soon."""

import os
import signal
import time

import pytest

from simplibench.errors import ProcessLost
from simplibench.pool import parallel_map, workers

HERE = os.getpid()


def place(number):
    time.sleep(0.2)
    return number, os.getpid()


def fails(number):
    if number == 3:
        raise ValueError("three")
    time.sleep(0.5)
    return number


def fails_here(pid):
    if os.getpid() == pid:
        raise ValueError("here")
    time.sleep(30)


def is_killed(pid):
    if os.getpid() != pid:
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(0.3)


def test_every_item_is_done_once_in_order_here_and_elsewhere():
    found = parallel_map(place, list(range(12)), 2)
    assert [number for number, _ in found] == list(range(12))
    assert found[0][1] == HERE
    assert len({pid for _, pid in found}) == 2


@pytest.mark.parametrize(("items", "jobs"), [([], 2), ([7], 4), ([7, 8], 1)])
def test_nobody_is_asked_to_help_where_there_is_nothing_to_share(items, jobs):
    assert parallel_map(place, items, jobs) == [(number, HERE) for number in items]


def test_an_error_in_another_process_is_this_ones_and_nobody_works_on():
    began = time.monotonic()
    with pytest.raises(ValueError, match="three"):
        parallel_map(fails, [0, *[9] * 40, 3], 2)
    assert time.monotonic() - began < 15  # all of it would take longer than 20 s


def test_an_error_here_ends_the_others():
    began = time.monotonic()
    with pytest.raises(ValueError, match="here"):
        parallel_map(fails_here, [HERE] * 4, 2)
    assert time.monotonic() - began < 15


def test_a_killed_process_is_told_in_words():
    with pytest.raises(ProcessLost, match="killed, perhaps for want of memory .fewer at a time: --jobs 1"):
        parallel_map(is_killed, [HERE] * 12, 2)


def test_a_worker_that_is_killed_ends_the_run_in_words_and_not_as_a_broken_pool():
    with (
        pytest.raises(ProcessLost, match="what is saved stays, the same command goes on from there"),
        workers(1) as pool,
    ):
        pool.submit(is_killed, HERE).result()
