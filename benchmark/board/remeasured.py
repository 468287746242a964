"""A record made again on fewer sentences, held against the record that was there."""

from simplibench.board.regression import Comparison
from simplibench.board.tracks import TRACKS
from simplibench.records import Stored


def compare(recorded: Stored, now: Stored) -> Comparison:
    """Hold an entry's new record against its old one; see `BoardTrack.compare`."""
    return TRACKS[recorded.record.track].compare(recorded, now)
