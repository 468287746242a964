"""The tracks there are, as the board knows them."""

from simplibench.board.codec import CodecBoard
from simplibench.board.explainer import ExplainerBoard
from simplibench.board.track import BoardTrack

TRACKS: dict[str, BoardTrack] = {"codec": CodecBoard(), "explainer": ExplainerBoard()}
