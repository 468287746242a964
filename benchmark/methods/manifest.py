"""What the host knows of a submission: it never imports one, it is told."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

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
    """What every entry is known by."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    label: str
    fields: dict[str, Any]


class CodecEntry(EntryManifest):
    """An entry of the main track."""

    track: Literal["codec"] = "codec"
    part: Literal["vectors", "pattern"]
    fit_group: str  # entries of one group share their fit


class ExplainerEntry(EntryManifest):
    """An entry of the explainer track."""

    track: Literal["explainer"] = "explainer"


AnyEntry = Annotated[CodecEntry | ExplainerEntry, Field(discriminator="track")]


class Manifest(BaseModel):
    """What is known of a submission."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Name
    authors: tuple[Line, ...]
    reference: Line
    control: bool
    entries: tuple[AnyEntry, ...]
