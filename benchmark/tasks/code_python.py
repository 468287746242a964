"""Code completion by character: functions of real projects, unseen projects and unseen languages.

Task after Friedman et al. 2024 (arXiv:2312.03656), who train on Java of CodeSearchNet: see code_java.py.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import cast

import numpy as np

from simplibench.errors import UsageError
from simplibench.tasks.arena import Component
from simplibench.tasks.code import Group, Kind, Language, PinnedPackages, Source, distinct, strata
from simplibench.tasks.family import Architecture, Family, Recipe
from simplibench.tasks.task import TRAINING, Cases, Sequences, Split, Task

START, FIRST_CHARACTER = 0, 1
CHARACTERS = "\n\t" + "".join(map(chr, range(0x20, 0x7F)))  # token 1 is the newline, 2 the tab, 3 the blank
VOCABULARY = FIRST_CHARACTER + len(CHARACTERS)
WINDOW = 256  # characters; a sequence has START before them
SHORTEST = 32  # characters of a training window
HELD_OUT_PERCENT = 3  # of the functions of the training projects
SPLIT_WINDOWS = 1_000

KINDS = {
    Kind.INDENTATION: "indentation",
    Kind.SPACE: "other white space",
    Kind.KEYWORD: "keyword",
    Kind.PUNCTUATION: "punctuation",
    Kind.LITERAL: "literal",
    Kind.COMMENT: "comment",
    Kind.FIRST: "new identifier",
    Kind.REPEATED: "repeated identifier",
}

_TOKENS = np.zeros(128, dtype=np.uint8)
_TOKENS[[ord(character) for character in CHARACTERS]] = np.arange(FIRST_CHARACTER, VOCABULARY)


SMALL = Family(
    name="small",
    architecture=Architecture(
        layers=4, heads=4, width=128, head_width=32, mlp_width=512, vocabulary=VOCABULARY, context=WINDOW
    ),
    recipe=Recipe(  # 57 million characters
        steps=7_000,
        batch_tokens=8_192,
        learning_rate=2e-3,
        warmup_steps=400,
        weight_decay=0.01,
        clip_norm=1.0,
        precision="bfloat16",
    ),
    seeds=(0, 1),
    stored="float16",
)
BASE = Family(  # the paper's size, as far as is known; windows fill half of its context
    name="base",
    architecture=Architecture(
        layers=4, heads=4, width=256, head_width=64, mlp_width=1_024, vocabulary=VOCABULARY, context=2 * WINDOW
    ),
    recipe=replace(SMALL.recipe, steps=20_000, batch_tokens=32_768, learning_rate=1e-3),  # 655 million characters
    seeds=(0, 1),
    stored="float16",
)


class Code(Task):
    """Windows of functions from a source. A subclass says which source, splits and hashes.

    The splits of role fit and id are taken from the group `train`, the others from the group they are named after.
    """

    candidates = range(FIRST_CHARACTER, VOCABULARY)
    fetched = True
    families = (SMALL,)
    recipes = (BASE,)
    arenas = tuple(
        Component(component, layer, SMALL.name, seeds=SMALL.seeds)
        for component in ("attention", "residual")
        for layer in range(SMALL.architecture.layers)
    )
    records_use = 100  # windows of 256 characters; all thousand of every split would take an hour a method
    batch_tokens = 2_048  # so many characters' attention, 8 MB, stays near the processor
    detailed = True
    labels = {"kind": {int(kind): name for kind, name in KINDS.items()}}

    def __init__(self, source: Source, windows: int = SPLIT_WINDOWS) -> None:
        self.source, self.windows = source, windows

    def missing(self) -> dict[str, str]:
        """Return the splits whose functions are not there, `training` among them: what is missing and what to do."""
        absent = self.source.missing()
        if "train" in absent:
            return dict.fromkeys([TRAINING, *self.roles], absent["train"])  # every split leaves out what is trained on
        return {name: absent[self._group(name)] for name in self.roles if self._group(name) in absent}

    def build(self) -> tuple[Sequences, dict[str, Split]]:
        """Cut the training windows and the splits that are not missing.

        Raises UsageError where the training functions are missing or a split has too few, DamagedFile for a file that
        is not the pinned one.
        """
        absent = self.missing()
        if TRAINING in absent:
            raise UsageError(f"{self.name} cannot be built: {absent[TRAINING]}")
        train = distinct(self.source.functions("train"))
        training = [window for key, text in train.items() if not is_held_out(key) for window in cut(text)]
        taken = set(training)  # a generated file's functions differ late: no evaluation window is one trained on either
        splits = {}
        for name in self.roles:
            if name not in absent:
                splits[name] = self._split(name, self._texts(name, train), taken)
        return joined(training), splits

    def _group(self, split: str) -> Group:
        return cast(Group, split) if self.roles[split] == "ood" else "train"

    def _texts(self, split: str, train: dict[str, str]) -> Iterable[str]:
        """Return the functions that a split may take, none of `train` but in those of role fit and id."""
        if self.roles[split] == "ood":
            return distinct(self.source.functions(self._group(split)), train).values()
        held_out = self.roles[split] == "id"
        return [text for key, text in train.items() if is_held_out(key) == held_out]

    def _split(self, name: str, texts: Iterable[str], taken: Collection[str]) -> Split:
        """Take the first windows that are full, and for evaluation not trained on, in the order of their functions' keys."""
        role, functions = self.roles[name], dict[str, str]()  # by the window that each begins with
        for text in texts:
            if len(text) >= WINDOW and (role == "fit" or text[:WINDOW] not in taken):
                functions.setdefault(text[:WINDOW], text)
        if len(functions) < self.windows:
            raise UsageError(
                f"{self.name}: split {name} needs {self.windows} different functions of {WINDOW} characters or more, "
                f"found {len(functions)}; what it is made from is not all there or not what was expected"
            )
        chosen = dict(list(functions.items())[: self.windows])
        language = self.source.languages[self._group(name)]
        return Split(name, role, joined(list(chosen)), scored(list(chosen.values()), language))


def is_held_out(key: str) -> bool:
    """Say whether a training project's function, by its key, is evaluated on instead."""
    return int(key[:8], 16) % 100 < HELD_OUT_PERCENT


def cut(text: str) -> Iterator[str]:
    """Cut a function into consecutive training windows; the rest is one too unless it is too short."""
    windows = (text[start : start + WINDOW] for start in range(0, len(text), WINDOW))
    return (window for window in windows if len(window) >= SHORTEST)


def joined(windows: Sequence[str]) -> Sequences:
    """Return windows of plain text as token sequences, START before each."""
    content = "".join(f"\0{window}" for window in windows).encode("ascii")
    lengths = [1 + len(window) for window in windows]
    return Sequences(_TOKENS[np.frombuffer(content, dtype=np.uint8)], np.cumsum([0, *lengths]))


def text_of(tokens: np.ndarray) -> str:
    """Return the characters of a sequence [T] of tokens, START left out."""
    return "".join(CHARACTERS[token - FIRST_CHARACTER] for token in tokens.tolist() if token != START)


def scored(functions: Sequence[str], language: Language) -> Cases:
    """Score every character of the first window of each function, predicted from those before it."""
    marks = [strata(text, language, WINDOW) for text in functions]
    kinds, places = (np.frombuffer(b"".join(column), dtype=np.uint8) for column in zip(*marks, strict=True))
    windows = "".join(text[:WINDOW] for text in functions).encode("ascii")
    return Cases(
        sequence=np.repeat(np.arange(len(functions)), WINDOW),
        position=np.tile(np.arange(WINDOW), len(functions)),
        target=_TOKENS[np.frombuffer(windows, dtype=np.uint8)],
        strata={"kind": kinds, "place": places},
    )


class CodePython(Code):
    """The first paper's second task, on pinned public packages."""

    name = "code-python"
    card = (
        "Functions of public packages as characters: newline, tab and printable ASCII, START first. Models are trained "
        "on functions of 12 Python projects, in windows of 256 characters. Scored: every character of the first 256 of "
        "functions at least that long, one window a function, among all characters. `id` holds functions of the "
        "training projects that are not trained on; out of distribution are other Python projects and other languages. "
        "No function of these is trained on, white space aside, and no window. Strata: what a character is (white "
        "space, keyword, literal, comment, a name new or seen before in the window), and its place in the word."
    )
    protocol = 1
    roles = {
        "fit": "fit",
        "id": "id",
        "unseen-project": "ood",
        "java": "ood",
        "javascript": "ood",
        "go": "ood",
        "c": "ood",
        "cpp": "ood",
        "rust": "ood",
    }
    hashes = {
        "training": "ec3b61101f0ab950127a9a5cb076a10049809b88540da411d0097eb5bed0cd9f",
        "fit": "046c88838133e119e0ce1708bd27f97958a905c365d1141ef6ca24e10681f4e2",
        "id": "a07bf492b279bde6f37536ebdd588a8b2dcda040534b7b4ce1cc2985b2d3a274",
        "unseen-project": "130177516e11b4388feaeffc5d18303393545de3478beec09b774bc148cb014f",
        "java": "0aecdb53a0d952888e89b363b4ede7fc2c37dcceb6b7f1d55ea2d457be8c5513",
        "javascript": "1eae5d997c6ed6b61643660b9b2f09924b06a83e36ac9fe2e7b0312ede7fb463",
        "go": "0e71bd6154bce1a62227b625be83c2d14e41ec86b690621b17c1a707c64afc3d",
        "c": "ddc4017ae4a4764b866266cf0b4389780de837e83daee970b01b7a37fa945e5c",
        "cpp": "92b5586575707f03ed3b9a85ec029b7ab4b09d42ba16c931bfba3687d6fad2b5",
        "rust": "1f8ff5515004b277a65bb7d1593bdd433633763585ede0ea62e135d2871c28db",
    }


code_python = CodePython(PinnedPackages())
task = code_python
