"""A pytest plugin for who depends on a proxy, or checks somebody's submission. PYTEST_DONT_REWRITE

It is there wherever simplibench is installed, and loads nothing until it is used.

A suite of one's own says that a proxy must stay what it was:

    def test_my_proxy_stays_faithful(proxy):
        proxy("my_method.py", arena="dyck-20-10/attention.1", seed=0).must_be_as_faithful_as(record="results")

    def test_my_proxy_stays_fast(proxy, benchmark):  # `benchmark` is pytest-benchmark's
        proxy("my_method.py", arena="dyck-20-10/attention.1", seed=0).must_be_as_fast_as(benchmark=benchmark)

`record` is a record's file or a folder of records; without, the committed ones, else those in `results`. In place of a
record there may be a `floor`, a number or one by split. See `simplibench.plugin.proxies.Proxy`.

    pytest --simplibench my_method.py

runs the whole contract on a submission, given by file or name: a test for each promise of each entry. Paths given
beside it are run too.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from simplibench.plugin.proxies import Proxies


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options of `--help`."""
    group = parser.getgroup("simplibench")
    group.addoption(
        "--simplibench",
        action="append",
        default=[],
        metavar="FILE",
        help="Run the contract of simplibench on a submission's file, or a method by name. May be repeated.",
    )
    group.addoption(
        "--simplibench-timeout",
        type=float,
        default=10.0,
        metavar="SECONDS",
        help="Seconds of its own code that an entry gets in the contract.",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Have the submissions collected: beside the paths that were given, or alone."""
    if config.getoption("--simplibench"):
        from simplibench.plugin.contract import add_submissions

        add_submissions(config)


@pytest.hookimpl(tryfirst=True)
def pytest_pycollect_makemodule(module_path: Any, parent: pytest.Collector) -> pytest.Collector | None:
    """Collect a submission as its contract; pytest never imports it."""
    if parent.config.getoption("--simplibench"):
        from simplibench.plugin.contract import collector

        return collector(module_path, parent)
    return None


@pytest.fixture(scope="session")
def proxy() -> Iterator["Proxies"]:
    """Yield proxies by submission, arena and reference; what several tests ask of the same proxy is measured once."""
    from simplibench.plugin.proxies import Proxies

    with Proxies() as proxies:
        yield proxies
