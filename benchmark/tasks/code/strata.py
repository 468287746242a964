"""The stratum of each character of a function, by tree-sitter: white space, keyword, literal, new or repeated name."""

import re
from collections.abc import Iterator
from enum import IntEnum
from typing import TYPE_CHECKING

from simplibench.tasks.code.manifest import Language
from simplibench.tasks.code.syntax import parser

if TYPE_CHECKING:
    from tree_sitter import Node


class Kind(IntEnum):
    """The stratum of a character."""

    INDENTATION = 0  # blanks and tabs at the start of a line, in literals and comments too
    SPACE = 1  # other white space, newlines among it
    KEYWORD = 2  # words of the grammar, with the names of its own types and constants: int, void, True, nil, this
    PUNCTUATION = 3  # operators too
    LITERAL = 4  # strings with their quotes, characters, numbers, regular expressions
    COMMENT = 5
    FIRST = 6  # identifier seen first in the window
    REPEATED = 7  # identifier that occurred earlier in the window


LAST_PLACE = 8  # in a word; also every place beyond
COMMENTS = frozenset({"comment", "line_comment", "block_comment"})
LITERALS = frozenset(
    {
        "string",
        "char_literal",
        "character_literal",
        "rune_literal",
        "string_literal",
        "raw_string_literal",
        "interpreted_string_literal",
        "template_string",
        "regex",
        "system_lib_string",
        "integer",
        "float",
        "number",
        "number_literal",
        "int_literal",
        "float_literal",
        "imaginary_literal",
        "integer_literal",
        "decimal_integer_literal",
        "hex_integer_literal",
        "octal_integer_literal",
        "binary_integer_literal",
        "decimal_floating_point_literal",
        "hex_floating_point_literal",
        "user_defined_literal",
    }
)
CODE_INSIDE_LITERALS = frozenset({"interpolation", "template_substitution"})
# A method alone is not a file of its language: wrappers are tried in this order until the grammar finds no error.
WRAPPERS: dict[Language, tuple[tuple[str, str], ...]] = {
    "java": (("class A {\n", "\n}"),),
    "javascript": (("", ""), ("class A {\n", "\n}"), ("({\n", "\n})")),
    "rust": (("", ""), ("impl A {\n", "\n}")),
}
INDENTATION = re.compile(r"^[ \t]+", re.MULTILINE)
PIECES = re.compile(r"(?P<word>[^\W\d]\w*)|(?P<number>\d\w*)|[^\w\s]+")

Mark = tuple[int, int, int]  # start, end and kind


def strata(text: str, language: Language, length: int) -> tuple[bytes, bytes]:
    """Return the kind and the place of each of the first `length` characters of a function, given whole as plain text.

    The place is 1 to 8 for the first to the eighth and every later character of an identifier or keyword, 0 elsewhere.
    An identifier is repeated if the same word is an identifier earlier in the function, with which the window begins.
    """
    kinds, places = bytearray([Kind.SPACE]) * len(text), bytearray(len(text))
    marks = list(_marks(text, language, length))
    for start, end, kind in marks:
        _paint(kinds, start, end, kind)
        word = kind in (Kind.FIRST, Kind.KEYWORD)
        places[start:end] = bytes(min(place, LAST_PLACE) if word else 0 for place in range(1, end - start + 1))
    seen: set[str] = set()
    for start, end, _ in sorted(mark for mark in marks if mark[2] == Kind.FIRST):
        if text[start:end] in seen:
            _paint(kinds, start, end, Kind.REPEATED)
        seen.add(text[start:end])
    _mark_spaces(text[:length], kinds, places)
    return bytes(kinds[:length]), bytes(places[:length])


def _paint(kinds: bytearray, start: int, end: int, kind: int) -> None:
    kinds[start:end] = bytes([kind]) * (end - start)


def _mark_spaces(text: str, kinds: bytearray, places: bytearray) -> None:
    """Mark white space, except inside literals and comments; and indentation, inside those too."""
    for match in re.finditer(r"\s", text):
        if kinds[match.start()] not in (Kind.LITERAL, Kind.COMMENT):
            kinds[match.start()], places[match.start()] = Kind.SPACE, 0
    for match in INDENTATION.finditer(text):
        _paint(kinds, match.start(), match.end(), Kind.INDENTATION)


def _marks(text: str, language: Language, length: int) -> Iterator[Mark]:
    """Yield the mark of each token that begins in the window, outer before inner, then marks of text outside tokens.

    Every identifier is marked FIRST.
    """
    root, shift = _parsed(text, language)
    covered = bytearray(len(text))
    pending = [root]
    while pending:
        node = pending.pop()
        start, end = max(0, node.start_byte - shift), min(node.end_byte - shift, len(text))
        if start >= min(end, length):
            continue
        kind = _kind(node, text[start:end])
        if kind is not None:
            covered[start:end] = b"\1" * (end - start)
            yield start, end, kind
        pending.extend(reversed(_inner(node)))
    for gap in re.finditer(rb"\0+", covered):
        yield from _pieces(text, *gap.span())


def _kind(node: "Node", text: str) -> Kind | None:
    """Return the kind of a whole node; None if only its parts have kinds, or the grammar does not know it."""
    if node.type in COMMENTS:
        return Kind.COMMENT
    if node.type in LITERALS:
        return Kind.LITERAL
    if node.type in CODE_INSIDE_LITERALS:
        return Kind.SPACE  # until its parts are painted over it
    if node.child_count or node.is_error or node.type == "preproc_arg":
        return None
    if "identifier" in node.type:
        return Kind.FIRST
    return Kind.KEYWORD if re.search(r"[A-Za-z]", text) else Kind.PUNCTUATION


def _inner(node: "Node") -> list["Node"]:
    """Return the parts of a node to visit: all children, none of a comment, of a literal only the code inside it."""
    if node.type in COMMENTS:
        return []
    if node.type not in LITERALS:
        return node.children
    code, pending = list["Node"](), list(node.children)
    while pending:
        child = pending.pop()
        if child.type in CODE_INSIDE_LITERALS:
            code.append(child)
        else:
            pending.extend(child.children)
    return code


def _parsed(text: str, language: Language) -> tuple["Node", int]:
    """Return the root of the tree with fewest errors over the wrappers, and where the text begins in it."""
    trees = []
    for before, after in WRAPPERS.get(language, (("", ""),)):
        root = parser(language).parse((before + text + after).encode()).root_node
        if not root.has_error:
            return root, len(before)
        trees.append((root, len(before)))
    return min(trees, key=lambda tree: _errors(tree[0]))


def _errors(root: "Node") -> int:
    """Return the number of characters in nodes that the grammar does not know, plus the tokens it misses."""
    total, pending = 0, [root]
    while pending:
        node = pending.pop()
        total += node.is_missing + (node.end_byte - node.start_byte if node.is_error else 0)
        pending.extend(child for child in node.children if child.has_error)
    return total


def _pieces(text: str, start: int, end: int) -> Iterator[Mark]:
    """Yield the marks of text outside the tree, by its characters alone: words are identifiers."""
    for match in PIECES.finditer(text, start, end):
        kind = Kind.FIRST if match["word"] else Kind.LITERAL if match["number"] else Kind.PUNCTUATION
        yield match.start(), match.end(), kind
