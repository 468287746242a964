"""Dyck-(2,4) prefixes: brackets of 2 types nested at most 4 deep, read at lengths that no model was trained on.

Language, lengths and measure after Wen et al. 2023 (arXiv:2312.01429), models too.
"""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from simplibench.tasks.arena import Component, Explanations
from simplibench.tasks.bracket_maskings import BracketMaskings
from simplibench.tasks.family import Architecture, Family, Recipe
from simplibench.tasks.task import Cases, Integers, Role, Sequences, Split, Task

TYPES, MAX_DEPTH = 2, 4
START, OPEN, CLOSE = 0, 1, 1 + TYPES  # opening brackets are tokens 1 and 2, closing ones 3 and 4
VOCABULARY = CLOSE + TYPES
TRAINING_LENGTH, TRAINING_TOKENS = 28, 100_000
LENGTHS = {"length-28": (28, 28), "length-100": (100, 100), "length-400-500": (400, 500)}
PREFIXES, FIT_PREFIXES = 1_000, 1_000
CONTEXT = 1 + 500
DISTANCE_BUCKETS = (1, 4, 16, 64)  # lower edges
LONGEST_INSERTION = 28  # of the balanced prefix that `lengthened` inserts

MINIMAL = Architecture(
    layers=1,
    heads=1,
    width=50,
    head_width=50,
    mlp_width=0,
    vocabulary=VOCABULARY,
    context=CONTEXT,
    kind="minimal",
    tokens="pair",
    positions="none",
    attention_norm=False,
    max_depth=MAX_DEPTH,
)
TWO_LAYER = Architecture(
    layers=2,
    heads=1,
    width=50,
    head_width=50,
    mlp_width=100,
    vocabulary=VOCABULARY,
    context=CONTEXT,
    tokens="one-hot",
    positions="none",
    attention_norm=False,
    final_norm=False,
    activation="relu",
)
BATCH = 100  # sequences
STEPS_AN_EPOCH = -(-(TRAINING_TOKENS // TRAINING_LENGTH) // BATCH)
MINIMAL_RECIPE = Recipe(
    steps=10 * STEPS_AN_EPOCH,
    batch_tokens=BATCH * TRAINING_LENGTH,
    learning_rate=1e-2,
    warmup_steps=0,
    weight_decay=0.01,
    clip_norm=1.0,
    scored_only=True,
)
TWO_LAYER_RECIPE = replace(MINIMAL_RECIPE, steps=40 * STEPS_AN_EPOCH, learning_rate=3e-3)
FEW, SOME, MANY = tuple(range(5)), tuple(range(10)), tuple(range(20))


def partners(tokens: Integers) -> npt.NDArray[np.int64]:
    """Return for each token of a prefix [T] the position of the other bracket of its pair; 0 for START and open ones."""
    partner, stack = np.zeros(len(tokens), dtype=np.int64), list[int]()
    for position, token in enumerate(tokens.tolist()):
        if OPEN <= token < CLOSE:
            stack.append(position)
        elif token >= CLOSE:
            opened = stack.pop()
            partner[position], partner[opened] = opened, position
    return partner


class BoundedDyck(Task):
    """Defines the task of the second paper."""

    name = "dyck-2-4"
    card = (
        "Prefixes of Dyck-(2,4): at depth 0 an opening bracket, at depth 4 the right closing one, in between one or the "
        "other, one half each; types are uniform. START comes first; there is no END. Models are trained on prefixes of "
        "28 brackets; out of distribution means longer. Scored: every position whose next token is a closing bracket; "
        "the prediction is the likelier of the two closing brackets, so chance is 50 %. The paper's stricter measure "
        "asks that P(right close) / P(any close) exceeds 0.8."
    )
    protocol = 1
    roles = {"fit": "fit", "length-28": "id", "length-100": "ood", "length-400-500": "ood"}
    hashes = {
        "training": "774906c26c0b4d614b6956117204f768d4f0d9621fc206af350edac4911b05fd",
        "fit": "2130939656ce4ce2ad510e160d38e18e3c602388bc82b3395c05a461f271a1e7",
        "length-28": "e5033b599bbee39315b17988708d43c97740632bd116d8e1561b82f0d27cd317",
        "length-100": "667abe12086614d4c10fb3e0a5806b7f7bba70987e659dc11e49b3a2b67b0675",
        "length-400-500": "3aeb97f735e0d22c045f6e1db1edcc70d7e09e3845e65bd090442d895aa50c11",
    }
    candidates = range(CLOSE, CLOSE + TYPES)
    confidence = 0.8
    families = (
        Family("minimal", MINIMAL, MINIMAL_RECIPE, MANY),
        Family("minimal-contrastive", MINIMAL, replace(MINIMAL_RECIPE, invariance=0.3), MANY),
        Family("minimal-type-depth", replace(MINIMAL, tokens="type+depth"), MINIMAL_RECIPE, FEW),
        Family("minimal-type-angle", replace(MINIMAL, tokens="type+angle"), MINIMAL_RECIPE, FEW),
        Family("two-layer", TWO_LAYER, TWO_LAYER_RECIPE, SOME),
        Family("two-layer-linear", replace(TWO_LAYER, positions="linear"), TWO_LAYER_RECIPE, SOME),
    )
    arenas = (
        Component("attention", 0, "minimal", alias="attention"),
        Component("attention", 1, "two-layer"),
        Explanations(
            needs=(
                "minimal",
                "minimal-contrastive",
                "minimal-type-depth",
                "minimal-type-angle",
                "two-layer",
                "two-layer-linear",
            ),
            bank="simplibench.models.theory.bank:build_bank",
            maskings=BracketMaskings(filler=(OPEN, CLOSE), partners=partners),
            cases={"length-28": 24, "length-100": 16, "length-400-500": 6},  # long sequences cost most
        ),
    )

    def build(self) -> tuple[Sequences, dict[str, Split]]:
        """Draw the training set from stream 0, then each evaluation split from a stream of its own, all distinct."""
        taken: set[bytes] = set()
        training = _walks(np.random.PCG64(0), np.full(TRAINING_TOKENS // TRAINING_LENGTH, TRAINING_LENGTH))
        taken.update(training.prefixes())
        splits = {"fit": training.take(np.arange(FIT_PREFIXES)).split("fit", "fit")}
        for stream, (name, (low, high)) in enumerate(LENGTHS.items(), start=1):
            bits = np.random.PCG64(stream)
            drawn = _walks(bits, low + (bits.random_raw(2 * PREFIXES) % np.uint64(high - low + 1)).astype(np.int64))
            new = [
                index for prefix, index in {p: i for i, p in enumerate(drawn.prefixes())}.items() if prefix not in taken
            ]
            taken.update(drawn.prefixes())
            splits[name] = drawn.take(np.array(sorted(new)[:PREFIXES])).split(name, self.roles[name])
        return training.sequences(), splits

    def lengthened(self, tokens: Integers, rng: np.random.Generator) -> Integers:
        """Insert a balanced prefix after START, of the same random even length in every sequence."""
        length = 2 * int(rng.integers(1, LONGEST_INSERTION // 2 + 1))
        inserted = _walks(np.random.PCG64(int(rng.integers(2**63))), np.full(len(tokens), length), balanced=True)
        return np.concatenate([inserted.tokens.astype(tokens.dtype), tokens[:, 1:]], axis=1)


@dataclass(frozen=True)
class Walks:
    """Prefixes side by side, START first, and for every closing bracket where its pair was opened."""

    tokens: npt.NDArray[np.uint8]  # [prefix, 1 + longest], 0 beyond a prefix's end
    opened_at: npt.NDArray[np.int16]  # likewise; 0 at all but closing brackets
    depth: npt.NDArray[np.int8]  # likewise; open brackets after the token
    lengths: npt.NDArray[np.int64]  # [prefix] brackets

    def take(self, indices: Integers) -> "Walks":
        """Return the prefixes at `indices` [n], in that order."""
        return Walks(self.tokens[indices], self.opened_at[indices], self.depth[indices], self.lengths[indices])

    def prefixes(self) -> list[bytes]:
        """Return each prefix as bytes, one byte per token."""
        return [row[: 1 + length].tobytes() for row, length in zip(self.tokens, self.lengths, strict=True)]

    def sequences(self) -> Sequences:
        """Return the prefixes end to end."""
        inside = np.arange(self.tokens.shape[1]) <= self.lengths[:, None]
        return Sequences(self.tokens[inside], np.concatenate([[0], np.cumsum(1 + self.lengths)]))

    def split(self, name: str, role: Role) -> Split:
        """Return the prefixes as a split in which every closing bracket is scored."""
        sequence, closed = np.nonzero(self.opened_at)
        distance = closed - self.opened_at[sequence, closed]
        strata = {
            "depth": 1 + self.depth[sequence, closed].astype(np.int64),
            "distance": np.array(DISTANCE_BUCKETS)[np.searchsorted(DISTANCE_BUCKETS, distance, side="right") - 1],
        }
        return Split(name, role, self.sequences(), Cases(sequence, closed - 1, self.tokens[sequence, closed], strata))


def _walks(bits: np.random.PCG64, lengths: npt.NDArray[np.int64], balanced: bool = False) -> Walks:
    """Draw prefixes of these lengths [n]; `balanced` ones return to depth 0 at their end. Raw draws: see dyck.py."""
    rows, longest = np.arange(len(lengths)), int(lengths.max())
    tokens, opened_at, depths = (np.zeros((len(lengths), 1 + longest), dtype=d) for d in (np.uint8, np.int16, np.int8))
    stack = np.zeros((len(lengths), MAX_DEPTH + 1, 2), dtype=np.int16)  # type and position of every open bracket
    depth = np.zeros(len(lengths), dtype=np.int8)
    for position in range(1, 1 + longest):
        raw = bits.random_raw(len(lengths))
        inside = position <= lengths
        full = depth == (np.minimum(MAX_DEPTH, lengths - position + 1) if balanced else MAX_DEPTH)
        opens = inside & ((depth == 0) | ((raw & 1).astype(bool) & ~full))
        closes = inside & ~opens
        up, down = rows[opens], rows[closes]
        stack[up, depth[up]] = np.stack([(raw[up] >> np.uint64(1)) % TYPES, np.full(len(up), position)], axis=1)
        depth[down] -= 1
        tokens[up, position] = OPEN + stack[up, depth[up], 0]
        tokens[down, position] = CLOSE + stack[down, depth[down], 0]
        opened_at[down, position] = stack[down, depth[down], 1]
        depth[up] += 1
        depths[:, position] = depth
    return Walks(tokens, opened_at, depths, lengths)


task = BoundedDyck()
