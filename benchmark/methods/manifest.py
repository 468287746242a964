"""What the host knows of a submission: it never imports one, it is told."""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SerializeAsAny

from simplibench.models.site import VIEWS
from simplibench.tasks import Arena, Component
from simplibench.text import is_hidden, printable

NAME_PATTERN = r"^[a-z0-9]+(-[a-z0-9]+)*$"
Name = Annotated[str, Field(pattern=NAME_PATTERN, max_length=64)]


def _one_line(text: str) -> str:
    hidden = next((character for character in text if is_hidden(character)), None)
    if hidden:
        raise ValueError(
            f"must be one line of visible characters, without {printable(hidden)}: line breaks, control characters and "
            "marks of direction could hide what a table says"
        )
    return text


Line = Annotated[str, AfterValidator(_one_line)]


class EntryManifest(BaseModel):
    """What every entry is known by. A track's entries are a subclass, whose `track` says so by its default."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    kinds: ClassVar[dict[str, type["EntryManifest"]]] = {}  # by track; subclasses enter themselves

    label: str
    fields: dict[str, Any]
    track: str

    def fits(self, arena: Arena) -> bool:
        """Return whether the entry can be scored in an arena."""
        return self.track == arena.track

    @classmethod
    def __pydantic_init_subclass__(cls, **options: Any) -> None:
        """Enter the subclass under its track."""
        cls.kinds[cls.model_fields["track"].default] = cls


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


def _of_its_track(said: Any) -> Any:
    """Read plain values as the entry of the track that they name. Raises ValueError for a track that there is not."""
    if not isinstance(said, dict):
        return said
    if said.get("track") not in EntryManifest.kinds:
        raise ValueError(f"track must be one of {', '.join(EntryManifest.kinds)}, got {said.get('track')!r}")
    return EntryManifest.kinds[said["track"]].model_validate(said)


Entry = Annotated[SerializeAsAny[EntryManifest], BeforeValidator(_of_its_track)]


class Manifest(BaseModel):
    """What is known of a submission."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Name
    authors: tuple[Line, ...]
    reference: Line
    control: bool
    entries: tuple[Entry, ...]
