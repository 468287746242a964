"""The errors a user may meet. The command line prints their text alone and exits with their code."""


class SimplibenchError(Exception):
    """Something failed that a user can act on. The text says where, what was expected, what came, what to do."""

    exit_code = 1


class UsageError(SimplibenchError):
    """What was asked for does not exist or is not allowed."""

    exit_code = 2


class DamagedFile(SimplibenchError):
    """A checkpoint, record or cache file does not hold what it should."""


class UnwritableFile(SimplibenchError):
    """A file cannot be written: its disk is full, or its folder takes none."""


class ProcessLost(SimplibenchError):
    """A process that was started to help, or to start guests, is gone."""


class MethodFailed(SimplibenchError):
    """A submission's code broke the contract, raised, ran out of time or died. One entry is lost, not the run."""

    def __init__(self, method: str, expected: str, got: str) -> None:
        super().__init__(f"{method}: expected {expected}, got {got}")
        self.method, self.expected, self.got = method, expected, got
