"""The tracks there are."""

from simplibench.harness.codec.track import CodecTrack
from simplibench.harness.explainer.track import ExplainerTrack
from simplibench.harness.track import Track as TrackOf
from simplibench.tasks import Track

TRACKS: dict[Track, TrackOf] = {"codec": CodecTrack(), "explainer": ExplainerTrack()}
