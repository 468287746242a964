"""What the host knows of a submission: it never imports one, it is told."""

from typing import Annotated, Any

from pydantic import AfterValidator, AliasChoices, BaseModel, BeforeValidator, ConfigDict, Field, SerializeAsAny

from simplibench.methods.entries import EntryManifest
from simplibench.methods.tracks import TRACKS
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
Citation = Annotated[
    Line, Field(validation_alias=AliasChoices("citation", "reference"))
]  # files may still say reference


def _of_its_track(said: Any) -> Any:
    """Read plain values as the entry of the track that they name. Raises ValueError for a track that there is not."""
    if not isinstance(said, dict):
        return said
    if said.get("track") not in TRACKS:
        raise ValueError(f"track must be one of {', '.join(TRACKS)}, got {said.get('track')!r}")
    return TRACKS[said["track"]].entry.model_validate(said)


Entry = Annotated[SerializeAsAny[EntryManifest], BeforeValidator(_of_its_track)]


class Manifest(BaseModel):
    """What is known of a submission."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Name
    authors: tuple[Line, ...]
    citation: Citation
    control: bool
    entries: tuple[Entry, ...]
