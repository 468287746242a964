"""Text of others on its way to a reader: names, labels and exception texts may hold what hides or breaks a line."""

import re
import unicodedata

HIDDEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})  # control, format (bidi among them), surrogates, line separators
JOINERS = "\u200c\u200d"  # of format too, but letters of some scripts and emoji need them
# An underscore within a word and a bracket alone mean nothing to Markdown.
MARKED = re.compile(r"([\\`*<>|#~&]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])|\](?=[(\[:]))")
WEB = re.compile(r"https?://[^\s<>]+")


def is_hidden(character: str) -> bool:
    """Return whether a character controls how others are shown instead of being shown."""
    return unicodedata.category(character) in HIDDEN and character not in JOINERS


def printable(text: str) -> str:
    """Return the text for a terminal, on one line: hidden characters are written as Python's escapes are."""
    if text.isprintable():
        return text
    return "".join(c.encode("unicode_escape").decode() if is_hidden(c) else c for c in text)


def printable_lines(text: str) -> str:
    """Return the same of a text whose line breaks are meant."""
    return "\n".join(map(printable, text.split("\n")))


def markdown(text: str) -> str:
    """Return text that Markdown shows as it is, on one line, also in a cell of a table."""
    return MARKED.sub(r"\\\1", printable(" ".join(text.split())))


def markdown_link(text: str, address: str) -> str:
    """Return the text as a link where the address is one of the web, else the text alone."""
    if not WEB.fullmatch(address):
        return markdown(text)
    # Brackets and a bar would end the link, or the cell that it stands in.
    safe = re.sub(r"[()|\\]", lambda mark: f"%{ord(mark[0]):02X}", printable(address))
    return f"[{markdown(text)}]({safe})"
