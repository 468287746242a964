"""A run's progress as a bar."""

from simplibench.cli.printing import progress_bar
from simplibench.text import printable


class ProgressBar:
    """A progress on standard error: what is done now, how far, how long it took and how long it will."""

    def __init__(self) -> None:
        self._bar = progress_bar()
        self._task = self._bar.add_task("starting")

    def begin(self, steps: int) -> None:
        """Show the bar, with its clock at zero."""
        self._bar.reset(self._task, total=steps)
        self._bar.start()

    def step(self, what: str) -> None:
        """Count a step and name it."""
        self._bar.update(self._task, advance=1, description=f"{printable(what):<44}")

    def skip(self, steps: int) -> None:
        """Count steps that are not needed."""
        self._bar.update(self._task, advance=steps)

    def end(self) -> None:
        """Leave the bar as it is."""
        self._bar.stop()
