"""The tracks there are."""

from benchmark.harness.codecs.track import CodecTrack
from benchmark.harness.explainers.track import ExplainerTrack
from benchmark.harness.track import Track as TrackOf
from benchmark.tasks import Track

TRACKS: dict[Track, TrackOf] = {"codec": CodecTrack(), "explainer": ExplainerTrack()}
