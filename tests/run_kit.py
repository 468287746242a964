"""Plans as runs make them, without a guest and without a record."""

from pathlib import Path

from simplibench.harness.runner import Runner
from simplibench.harness.unit import RunConfig

CONFIG = RunConfig(device="cpu", limit=2, in_process=True, timeout=60.0)


def planned(methods, tasks=None, arenas=None, seeds=None):
    """Return the units of a run of some methods in this process."""
    return Runner(CONFIG, Path("no folder that is written to")).plan(methods, tasks, arenas, seeds)
