"""The tracks there are, as the board knows them."""

from simplibench.board.codec import CodecBoard
from simplibench.board.explainer import ExplainerBoard
from simplibench.board.regression import Comparison
from simplibench.board.track import BoardTrack
from simplibench.records import Stored

TRACKS: dict[str, BoardTrack] = {"codec": CodecBoard(), "explainer": ExplainerBoard()}


def compare(recorded: Stored, now: Stored) -> Comparison:
    """Hold an entry's new record against its old one; see `BoardTrack.compare`."""
    return TRACKS[recorded.record.track].compare(recorded, now)
