"""`pytest --simplibench FILE`: the contract of a submission as tests, one for each promise of each entry."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from simplibench.errors import SimplibenchError, UsageError
from simplibench.guest import ForkServer, Guest, Problem
from simplibench.guest.contract import Promise
from simplibench.harness.options import RunOptions
from simplibench.harness.runtime import resolve_device
from simplibench.harness.track import Trial
from simplibench.harness.tracks import TRACKS
from simplibench.methods import EntryManifest, Manifest
from simplibench.methods.tracks import TRACKS as METHOD_TRACKS
from simplibench.registry import find_method, require_own_name

USABLE = "a usable result"  # of the right kind and finite, in time, without an exception
FILES = pytest.StashKey[list[Path]]()
SERVER = pytest.StashKey[ForkServer]()


def add_submissions(config: pytest.Config) -> None:
    """Put the files among what pytest collects. Raises: pytest.UsageError for a file that does not exist."""
    try:
        timeout = {"timeout": config.getoption("--simplibench-timeout")}
        RunOptions.checked(timeout, {"timeout": "--simplibench-timeout"}, str)
        files = [find_method(name).resolve() for name in config.getoption("--simplibench")]
    except UsageError as error:
        raise pytest.UsageError(f"--simplibench: {error}") from None
    config.stash[FILES] = files
    alone = config.args_source is not config.ArgsSource.ARGS
    given = [] if alone else config.args
    config.args = [*given, *(str(file) for file in files if str(file) not in given)]


def collector(path: Path, parent: pytest.Collector) -> "ContractFile | None":
    """Return the contract of a file, if it is a submission that was named."""
    return ContractFile.from_parent(parent, path=path) if path in parent.config.stash[FILES] else None


class ContractFile(pytest.File):
    """A submission's file."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.manifest: Manifest | None = None
        self._trials: dict[str, Trial] = {}  # by track, made when the first of its entries is tried

    def collect(self) -> Iterator[pytest.Item | pytest.Collector]:
        """Yield the test that it loads, and the promises of its entries if it does."""
        unusable = ""
        guest = self._guest()
        try:
            manifest = guest.manifest()
            require_own_name(manifest.name, self.path)
            self.manifest = manifest
        except UsageError as error:
            unusable = str(error)
        guest.close()
        yield LoadsItem.from_parent(self, name="loads, and puts forward a submission", unusable=unusable)
        for index, entry in enumerate(self.manifest.entries if self.manifest else ()):
            yield EntryContract.from_parent(self, name=entry.label, entry=entry, index=index)

    def problems(self, entry: EntryManifest, index: int) -> list[Problem]:
        """Return what is wrong with an entry, tried in guests of its own."""
        if entry.track not in self._trials:
            self._trials[entry.track] = TRACKS[entry.track].trial()
        encoder, decoder = self._guest(), self._guest()
        encoder.seconds_left = decoder.seconds_left = self.config.getoption("--simplibench-timeout")
        try:
            return self._trials[entry.track].problems(encoder, decoder, entry, index)
        finally:
            encoder.close()
            decoder.close()

    def _guest(self) -> Guest:
        """Return a guest of the fork server of the session."""
        if SERVER not in self.config.stash:
            server = self.config.stash[SERVER] = ForkServer()
            self.config.add_cleanup(lambda: server.__exit__(None, None, None))
        return Guest(self.config.stash[SERVER], self.path, resolve_device("auto"))


class EntryContract(pytest.Collector):
    """The promises of one entry. It is tried once, when the first is asked for."""

    def __init__(self, entry: EntryManifest, index: int, **options: Any) -> None:
        super().__init__(**options)
        self.entry, self.index = entry, index
        self.promises = TRACKS[entry.track].promises
        self.methods = list(METHOD_TRACKS[entry.track].calls)
        self._problems: list[Problem] | None = None

    def collect(self) -> Iterator[pytest.Item]:
        """Yield, method by method, the test that it works, then what it must keep."""
        for method in self.methods:
            kept = (promise for promise in self.promises if promise.method == method)
            for promise in (Promise(method, USABLE), *kept):
                name = f"{promise.method}: {promise.expected}"
                yield PromiseItem.from_parent(self, name=name, promise=promise, contract=self)

    @property
    def problems(self) -> list[Problem]:
        """Return all that is wrong with the entry."""
        if self._problems is None:
            assert isinstance(self.parent, ContractFile)  # for the type checker
            self._problems = self.parent.problems(self.entry, self.index)
        return self._problems

    def breaches(self, promise: Promise) -> list[Problem]:
        """Return the problems that break a promise; what no other promise speaks of breaks `USABLE`."""
        known = {(promised.method, promised.expected) for promised in self.promises}
        if promise.expected == USABLE:
            return [
                problem for problem in self.problems if problem.method == promise.method and _key(problem) not in known
            ]
        return [problem for problem in self.problems if _key(problem) == (promise.method, promise.expected)]

    def before(self, promise: Promise) -> list[Problem]:
        """Return the problems that kept a promise from being tried, on some rows or on all."""
        last = self.methods.index(promise.method) + (promise.expected != USABLE)
        needed = [Promise(method, USABLE) for method in self.methods[:last]]
        needed += [Promise(promise.method, promise.needs)] if promise.needs else []
        return [problem for promise in needed for problem in self.breaches(promise)]


class ContractItem(pytest.Item):
    """A test that fails with what the contract says, without a traceback."""

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """Return the text alone of errors made for users."""
        if isinstance(excinfo.value, SimplibenchError):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int | None, str]:
        """Return the submission's file, and the test by name."""
        return self.path, None, self.nodeid.partition("::")[2]


class LoadsItem(ContractItem):
    """The file itself."""

    def __init__(self, unusable: str, **options: Any) -> None:
        super().__init__(**options)
        self.unusable = unusable

    def runtest(self) -> None:
        """Fail with what is wrong with the file."""
        if self.unusable:
            pytest.fail(self.unusable, pytrace=False)


class PromiseItem(ContractItem):
    """One promise of one entry."""

    def __init__(self, promise: Promise, contract: EntryContract, **options: Any) -> None:
        super().__init__(**options)
        self.promise, self.contract = promise, contract

    def runtest(self) -> None:
        """Fail with the breach; skip where an earlier failure kept the promise from being tried."""
        breaches = self.contract.breaches(self.promise)
        if breaches:
            pytest.fail("\n".join(map(str, breaches)), pytrace=False)
        before = self.contract.before(self.promise)
        if before:
            pytest.skip(f"not tried, since {before[0]}")


def _key(problem: Problem) -> tuple[str, str]:
    return problem.method, problem.expected
