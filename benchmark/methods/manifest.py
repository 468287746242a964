"""What the host knows of a submission: it never imports one, it is told."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field


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

    name: str
    authors: tuple[str, ...]
    reference: str
    control: bool
    entries: tuple[AnyEntry, ...]
