"""The tracks there are, as the harness knows them."""

from simplibench.harness.codec.track import CodecTrack
from simplibench.harness.explainer.track import ExplainerTrack
from simplibench.harness.track import Track

TRACKS: dict[str, Track] = {"codec": CodecTrack(), "explainer": ExplainerTrack()}
