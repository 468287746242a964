"""How a run tells of its progress."""

from typing import Protocol


class Progress(Protocol):
    """What a run tells its progress to: a bar, another process, nobody."""

    def begin(self, steps: int) -> None:
        """Show that a run of so many steps begins, those included that will be skipped."""

    def step(self, what: str) -> None:
        """Show that a step begins: one part, such as a split, of one entry."""

    def skip(self, steps: int) -> None:
        """Show that so many steps are not needed."""

    def end(self) -> None:
        """Show that the run is over, or was broken off."""


class Silent:
    """A progress that shows nothing."""

    def begin(self, steps: int) -> None:
        """Do nothing."""

    def step(self, what: str) -> None:
        """Do nothing."""

    def skip(self, steps: int) -> None:
        """Do nothing."""

    def end(self) -> None:
        """Do nothing."""


SILENT = Silent()
