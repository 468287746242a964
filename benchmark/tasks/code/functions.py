"""Selection of the corpus's functions: plain text, each once."""

import hashlib
import re
from collections.abc import Container, Iterable

PLAIN = re.compile(r"[\n\t\x20-\x7e]*")


def is_plain(text: str) -> bool:
    """Return whether every character is printable ASCII, a newline or a tab; decided per function, not per file."""
    return PLAIN.fullmatch(text) is not None


def key(text: str) -> str:
    """Return the sha256 of the text with every run of white space as one blank: functions of equal key are the same."""
    return hashlib.sha256(" ".join(text.split()).encode()).hexdigest()


def distinct(texts: Iterable[str], taken: Container[str] = ()) -> dict[str, str]:
    """Return the plain texts by key, ordered by key, without those whose key is in `taken`.

    Of texts with the same key the smallest stays, so the result does not depend on the order of `texts`.
    """
    by_key: dict[str, str] = {}
    for text in filter(is_plain, texts):
        text_key = key(text)
        if text_key not in taken:
            by_key[text_key] = min(text, by_key.get(text_key, text))
    return dict(sorted(by_key.items()))
