"""What the host knows of an entry, by track: it never imports a submission, it is told."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from simplibench.models.site import VIEWS
from simplibench.tasks import Arena, Component


class EntryManifest(BaseModel):
    """What every entry is known by. A track's entries are a subclass, entered in TRACKS of methods/tracks.py."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    label: str
    fields: dict[str, Any]
    track: str

    def fits(self, arena: Arena) -> bool:
        """Return whether the entry can be scored in an arena."""
        return self.track == arena.track


class CodecEntry(EntryManifest):
    """An entry of the main track."""

    track: Literal["codec"] = "codec"
    part: Literal["vectors", "pattern"]
    fit_group: str  # entries of one group share their fit

    def fits(self, arena: Arena) -> bool:
        """Return whether what the arena simplifies can be seen the way the codec wants to see it."""
        return isinstance(arena, Component) and (arena.component, self.part) in VIEWS


class ExplainerEntry(EntryManifest):
    """An entry of the explainer track."""

    track: Literal["explainer"] = "explainer"
