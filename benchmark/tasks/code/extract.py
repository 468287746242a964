"""Extraction of source files from an archive, and of the outermost functions from a source file."""

import re
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from simplibench.errors import DamagedFile
from simplibench.tasks.code.manifest import Language, Selection
from simplibench.tasks.code.syntax import parser

if TYPE_CHECKING:
    from tree_sitter import Node

LARGEST_FILE_BYTES = 600_000  # larger ones are bundles and tables
ALWAYS_DROPPED = re.compile(r"\.min\.js$|\.d\.ts$")
SHORTEST_LINES = 3
FUNCTIONS: dict[Language, frozenset[str]] = {
    "python": frozenset({"function_definition"}),
    "java": frozenset({"method_declaration", "constructor_declaration", "compact_constructor_declaration"}),
    "javascript": frozenset({"function_declaration", "generator_function_declaration", "method_definition"}),
    "go": frozenset({"function_declaration", "method_declaration"}),
    "c": frozenset({"function_definition"}),
    "cpp": frozenset({"function_definition"}),
    "rust": frozenset({"function_item"}),
}
# JavaScript wraps whole modules in function expressions, so only those that get a name count.
NAMELESS = frozenset({"function_expression", "generator_function", "arrow_function"})
NAMING = frozenset({"variable_declarator", "assignment_expression", "pair", "field_definition"})
GLOB_PARTS = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}


def sources(archive: Path, selection: Selection) -> Iterator[tuple[str, str]]:
    """Yield path and text of each selected file that is not too large and is UTF-8.

    Paths are relative to the archive's root; for a source distribution, to its single folder.

    Raises: DamagedFile for a broken archive.
    """
    members = _wheel(archive, selection) if archive.suffix == ".whl" else _tar(archive, selection)
    try:
        for path, content in members:
            try:
                # Carriage returns are not plain text: they would exclude every function of the file.
                yield path, content.decode("utf-8").replace("\r\n", "\n")
            except UnicodeDecodeError:
                continue
    except (zipfile.BadZipFile, tarfile.TarError, EOFError, zlib.error, OSError) as error:
        raise DamagedFile(
            f"{archive}: broken archive ({error}); delete it and give `simplibench data fetch code-python` again"
        ) from None


def _wheel(archive: Path, selection: Selection) -> Iterator[tuple[str, bytes]]:
    with zipfile.ZipFile(archive) as opened:
        for member in opened.infolist():
            if selected(member.filename, selection) and member.file_size <= LARGEST_FILE_BYTES:
                yield member.filename, opened.read(member)


def _tar(archive: Path, selection: Selection) -> Iterator[tuple[str, bytes]]:
    with tarfile.open(archive, "r:gz") as opened:
        for member in opened:
            path = member.name.partition("/")[2]
            if not member.isfile() or not selected(path, selection) or member.size > LARGEST_FILE_BYTES:
                continue
            content = opened.extractfile(member)
            if content is not None:
                yield path, content.read()


def selected(path: str, selection: Selection) -> bool:
    """Return whether a path matches one of the globs and none of the patterns to drop."""
    if not any(glob_pattern(glob).fullmatch(path) for glob in selection.include):
        return False
    return not ALWAYS_DROPPED.search(path) and not any(re.search(pattern, path) for pattern in selection.drop)


@lru_cache(maxsize=256)
def glob_pattern(glob: str) -> re.Pattern[str]:
    """Return a glob as a regular expression: `**/` any folders or none, `*` and `?` within a name, `{a,b}` either."""
    parts = re.split(r"(\*\*/|\*\*|\*|\?|\{[^{}]*\})", glob)
    return re.compile("".join(_glob_part(part) for part in parts))


def _glob_part(part: str) -> str:
    if part.startswith("{"):
        return f"(?:{'|'.join(map(re.escape, part[1:-1].split(',')))})"
    return GLOB_PARTS.get(part) or re.escape(part)


def functions(source: str, language: Language) -> Iterator[str]:
    """Yield the text of the outermost functions and methods of three lines or more, in order.

    A text begins at the start of the line that its function begins on, and ends with the function's last character. So a
    method keeps its indentation, and a function expression its name.
    """
    content = source.encode()
    pending = [parser(language).parse(content).root_node]
    while pending:
        node = pending.pop()
        if not _is_function(node, language):
            pending.extend(reversed(node.named_children))
        elif node.end_point[0] - node.start_point[0] + 1 >= SHORTEST_LINES:
            start = content.rfind(b"\n", 0, node.start_byte) + 1
            yield content[start : node.end_byte].decode()


def _is_function(node: "Node", language: Language) -> bool:
    if node.type in FUNCTIONS[language]:
        return True
    parent = node.parent if language == "javascript" and node.type in NAMELESS else None
    return parent is not None and parent.type in NAMING
