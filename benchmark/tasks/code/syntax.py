"""Tree-sitter parsers, loaded when code is first read."""

import importlib
from functools import lru_cache
from typing import TYPE_CHECKING

from simplibench.errors import UsageError
from simplibench.tasks.code.manifest import Language

if TYPE_CHECKING:
    from tree_sitter import Parser


@lru_cache(maxsize=16)
def parser(language: Language) -> "Parser":
    """Return the parser of a language. Raises: UsageError if tree-sitter or the grammar is not installed."""
    try:
        tree_sitter = importlib.import_module("tree_sitter")
        grammar = importlib.import_module(f"tree_sitter_{language}")
    except ModuleNotFoundError as error:
        raise UsageError(
            f"reading {language} code needs tree-sitter and its grammars ({error.name} is not installed): "
            "pip install -e '.[code]'"
        ) from None
    made: Parser = tree_sitter.Parser(tree_sitter.Language(grammar.language()))
    return made
