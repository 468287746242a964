"""The file that a new submission begins as: it runs as it is, and its comments say what may be changed."""

import keyword
import re

from pydantic import TypeAdapter, ValidationError

from simplibench.errors import UsageError
from simplibench.methods.manifest import Name
from simplibench.methods.tracks import TRACKS

NAME, CLASS = "my-method", "MyMethod"  # of the method in every template
NAMES: TypeAdapter[str] = TypeAdapter(Name)


def submission_text(name: str, track: str) -> str:
    """Return the template of a track with the method's name put in. Raises UsageError for a name or track that cannot be."""
    if track not in TRACKS:
        raise UsageError(f"--track must be {' or '.join(TRACKS)}, got {track}")
    require_name(name)
    text = TRACKS[track].template.read_text(encoding="utf-8")
    return text.replace(NAME, name).replace(CLASS, class_name(name, text))


def require_name(name: str) -> None:
    """Raises UsageError for what a submission cannot be called."""
    try:
        NAMES.validate_python(name)
    except ValidationError:
        known = False
    else:
        known = name[0].isalpha()  # its class takes the name over, and no class begins with a digit
    if not known:
        raise UsageError(
            f"a method's name must be lower case letters and digits with single dashes between, begin with a letter and "
            f"have at most 64 characters, such as {NAME}; got {name!r}"
        )


def class_name(name: str, text: str) -> str:
    """Return the name in CamelCase; one that Python or the template has for something else gets a `Method` behind it."""
    camel = "".join(part.capitalize() for part in name.split("-"))
    taken = keyword.iskeyword(camel) or re.search(rf"\b{camel}\b", text.replace(CLASS, ""))
    return f"{camel}Method" if taken else camel


def file_name(name: str) -> str:
    """Return the file by whose name the method is found: `my-method` is in my_method.py."""
    return f"{name.replace('-', '_')}.py"
