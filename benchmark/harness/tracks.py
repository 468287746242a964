"""The tracks there are."""

from simplibench.harness.codecs.track import CodecTrack
from simplibench.harness.explainers.track import ExplainerTrack
from simplibench.harness.track import Track as TrackOf
from simplibench.tasks import Track

TRACKS: dict[Track, TrackOf] = {"codec": CodecTrack(), "explainer": ExplainerTrack()}
