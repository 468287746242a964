"""Which functions the corpus keeps: plain text, each once."""

import hashlib
import re
from collections.abc import Container, Iterable

PLAIN = re.compile(r"[\n\t\x20-\x7e]*")


def is_plain(text: str) -> bool:
    """Whether every character is printable ASCII, a newline or a tab. Decided per function, not per file."""
    return PLAIN.fullmatch(text) is not None


def key(text: str) -> str:
    """sha256 of the text with every run of white space as one blank: what makes two functions the same."""
    return hashlib.sha256(" ".join(text.split()).encode()).hexdigest()


def distinct(texts: Iterable[str], taken: Container[str] = ()) -> dict[str, str]:
    """The plain ones by key, in the order of their keys, without those whose key is taken.

    Of texts with one key the smallest stays, so nothing depends on the order in which they come.
    """
    found: dict[str, str] = {}
    for text in filter(is_plain, texts):
        own = key(text)
        if own not in taken:
            found[own] = min(text, found.get(own, text))
    return dict(sorted(found.items()))
