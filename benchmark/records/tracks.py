"""The tracks of records: the schema of each, which also says what follows from the counts beside a record.

Everybody asks the record; whoever makes or reads one finds its schema here. A third track is a module like codec.py and
one line in this table.
"""

from functools import lru_cache, reduce
from operator import or_
from typing import Annotated, Any

from pydantic import Field, TypeAdapter

from simplibench.records.codec import CodecRecord
from simplibench.records.explainer import ExplainerRecord
from simplibench.records.record import Record

TRACKS: dict[str, type[Record]] = {"codec": CodecRecord, "explainer": ExplainerRecord}


def schema() -> TypeAdapter[Record]:
    """Return what validates a record of any track, by the track that it names."""
    return _schema(tuple(TRACKS.values()))


@lru_cache(maxsize=4)
def _schema(kinds: tuple[type[Record], ...]) -> TypeAdapter[Record]:
    by_track: Any = Annotated[reduce(or_, kinds), Field(discriminator="track")]
    return TypeAdapter(by_track)
