"""Dyck-(20,10): brackets of 20 types nested at most 10 deep, and deeper ones that no model was trained on.

Sampler after Hewitt et al. 2020 (arXiv:2010.07515), splits after Friedman et al. 2024 (arXiv:2312.03656).
"""

from collections import Counter
from collections.abc import Callable, Iterator

import numpy as np

from simplibench.tasks.arena import Component
from simplibench.tasks.family import Architecture, Family, Recipe
from simplibench.tasks.task import Cases, Role, Sequences, Split, Task

TYPES, MAX_DEPTH, UNSEEN_MAX_DEPTH = 20, 10, 20
START, END, OPEN, CLOSE = 0, 1, 2, 2 + TYPES  # opening brackets are tokens 2 to 21, closing ones 22 to 41
VOCABULARY = CLOSE + TYPES
SHORTEST, LONGEST = 4, 512  # brackets a sentence, START and END not counted
SHORT_STRUCTURE = 32
MIN_DISTANCE = 10  # a closing bracket nearer to its opening one is not scored
DISTANCE_BUCKETS = (10, 20, 40, 80, 160, 320)  # lower edges
TRAINING_SENTENCES, FIT_SENTENCES = 200_000, 1_000
MIN_CASES, MIN_SENTENCES = 10_000, 1_000  # an evaluation split has at least both
WALKS_A_DRAW = 50_000
ERASE_TYPES = bytes(min(token, OPEN) if token < CLOSE else CLOSE for token in range(256))


class Dyck(Task):
    """Defines the task of the first paper, with a length-matched control for its depth split."""

    name = "dyck-20-10"
    card = (
        "Sentences of Dyck-(20,10): at depth 0 the end or an opening bracket, one half each; in between an opening "
        "bracket of any of 20 types or the right closing one, one half each; at depth 10 the closing one. Sentences of "
        "fewer than 4 or more than 512 brackets are rejected (0.2 % of training draws and 27 % of the deeper ones are "
        "too long). START and END are tokens. Scored: closing brackets at least 10 tokens after their opening bracket; "
        "the prediction is the most likely closing bracket, so chance is 5 %. `unseen-depth` is drawn from Dyck-(20,20) "
        "and nests deeper than 10; its sentences are long, so `long-shallow` has the same lengths at depth 10 or less."
    )
    protocol = 1
    roles = {
        "fit": "fit",
        "iid": "id",
        "seen-structure": "id",
        "unseen-structure-short": "ood",
        "unseen-structure-long": "ood",
        "unseen-depth": "ood",
        "long-shallow": "control",
    }
    hashes = {
        "training": "42cf5a836b09c74d5292456e5a1a9f6513d4804d201b9f656fe93afd6c45f331",
        "fit": "ae8777fce8dfc454fdebc7bb74345684e68a1fc017492bc2fbe4e837c04e8146",
        "iid": "7d9d0753f1f50e352cc21cd49f802c2bbafeb268e5d8f6020fb3ae79ee7f00f5",
        "seen-structure": "a79942821548c233fbadfb8612678d3e69aaa8ace301b261bd27a040d6b81c64",
        "unseen-structure-short": "6d5254c0417b7a381fccdd2609aee33b8579cddb123b810656d2d0ec4744ae79",
        "unseen-structure-long": "c36ddc6accb13b277b53357b93a4eaadead0eeae41c579f34e4b1b3823fe363d",
        "unseen-depth": "d387f51511e2504377e85bb61fffdcbf5fc3e31e43820443746ef841f8a57f01",
        "long-shallow": "0f2045f3a9f5b541dd92c738cea7be35872404ac306147e598f686dbadd318a2",
    }
    candidates = range(CLOSE, CLOSE + TYPES)
    families = (
        Family(
            name="two-layer",
            architecture=Architecture(
                layers=2, heads=1, width=32, head_width=32, mlp_width=128, vocabulary=VOCABULARY, context=LONGEST + 2
            ),
            recipe=Recipe(
                steps=10_000,
                batch_tokens=8_192,
                learning_rate=3e-3,
                warmup_steps=400,
                weight_decay=0.01,
                clip_norm=1.0,
            ),
            seeds=(0, 1, 2, 3, 4),
        ),
    )
    arenas = (
        Component("attention", 0, "two-layer"),
        Component("attention", 1, "two-layer"),
        Component("residual", 0, "two-layer"),
    )

    def build(self) -> tuple[Sequences, dict[str, Split]]:
        """Draw the training set from stream 0, then each evaluation split from a stream of its own."""
        training = first_sentences(draws(0, MAX_DEPTH), TRAINING_SENTENCES)
        taken = set(sentences(training))
        structures = {structure(sentence) for sentence in taken}
        splits = {"fit": _split("fit", "fit", training.take(np.arange(FIT_SENTENCES)))}
        conditions = self._conditions(structures)
        for stream, name in enumerate(list(self.roles)[1:], start=1):
            depth = UNSEEN_MAX_DEPTH if name == "unseen-depth" else MAX_DEPTH
            accept = same_lengths(splits["unseen-depth"].sequences) if name == "long-shallow" else conditions[name]
            splits[name] = _split(name, self.roles[name], collect(draws(stream, depth), accept, taken))
        return training, splits

    @staticmethod
    def _conditions(structures: set[bytes]) -> dict[str, Callable[[bytes], bool]]:
        """Say which novel sentences each split takes, by its name."""
        return {
            "iid": lambda s: True,
            "seen-structure": lambda s: structure(s) in structures,
            "unseen-structure-short": lambda s: len(s) <= SHORT_STRUCTURE + 2 and structure(s) not in structures,
            "unseen-structure-long": lambda s: len(s) > SHORT_STRUCTURE + 2 and structure(s) not in structures,
            "unseen-depth": lambda s: deepest(s) > MAX_DEPTH,
        }


def draws(stream: int, max_depth: int) -> Iterator[Sequences]:
    """Draw endless batches of sentences of Dyck-(20, max_depth), by vectorised random walks.

    Raw 64-bit draws, because numpy keeps a bit generator's stream the same across versions, but not its distributions.
    """
    bits = np.random.PCG64(stream)
    while True:
        yield _walk(bits, max_depth)


def _walk(bits: np.random.PCG64, max_depth: int) -> Sequences:
    tokens = np.zeros((WALKS_A_DRAW, LONGEST + 2), dtype=np.uint8)  # column 0 stays START
    stack = np.zeros((WALKS_A_DRAW, max_depth), dtype=np.uint8)
    depth = np.zeros(WALKS_A_DRAW, dtype=np.int64)
    length = np.full(WALKS_A_DRAW, -1)
    alive = np.arange(WALKS_A_DRAW)
    for position in range(1, LONGEST + 2):
        raw = bits.random_raw(len(alive))
        heads = (raw & 1).astype(bool)
        ended = heads & (depth[alive] == 0)
        length[alive[ended]] = position - 1
        alive, raw, heads = alive[~ended], raw[~ended], heads[~ended]
        opens = (depth[alive] == 0) | (~heads & (depth[alive] < max_depth))
        up, down = alive[opens], alive[~opens]
        stack[up, depth[up]] = ((raw[opens] >> 32) * TYPES) >> 32
        depth[down] -= 1
        tokens[up, position] = OPEN + stack[up, depth[up]]
        tokens[down, position] = CLOSE + stack[down, depth[down]]
        depth[up] += 1
    kept = np.flatnonzero((length >= SHORTEST) & (length <= LONGEST))
    tokens[kept, length[kept] + 1] = END
    inside = np.arange(LONGEST + 2) < length[kept, None] + 2
    return Sequences(tokens[kept][inside], np.concatenate([[0], np.cumsum(length[kept] + 2)]))


def join(parts: list[Sequences]) -> Sequences:
    """Return sequences one part after the other."""
    lengths = np.concatenate([part.lengths for part in parts])
    return Sequences(np.concatenate([part.tokens for part in parts]), np.concatenate([[0], np.cumsum(lengths)]))


def first_sentences(batches: Iterator[Sequences], count: int) -> Sequences:
    """Return the first `count` sentences drawn."""
    parts = [next(batches)]
    while sum(map(len, parts)) < count:
        parts.append(next(batches))
    return join(parts).take(np.arange(count))


def collect(batches: Iterator[Sequences], accept: Callable[[bytes], bool], taken: set[bytes]) -> Sequences:
    """Collect accepted, untaken sentences with a scored position, until there are enough. Adds them to `taken`."""
    parts: list[Sequences] = []
    cases_so_far = sentences_so_far = 0
    while cases_so_far < MIN_CASES or sentences_so_far < MIN_SENTENCES:
        batch = next(batches)
        cases_in = np.bincount(scored(batch).sequence, minlength=len(batch))
        chosen: list[int] = []
        for index in np.flatnonzero(cases_in).tolist():
            sentence = batch[index].tobytes()
            if sentence in taken or not accept(sentence):
                continue
            taken.add(sentence)
            chosen.append(index)
            cases_so_far, sentences_so_far = cases_so_far + cases_in[index], sentences_so_far + 1
            if cases_so_far >= MIN_CASES and sentences_so_far >= MIN_SENTENCES:
                break
        parts.append(batch.take(np.array(chosen, dtype=np.int64)))
    return join(parts)


def same_lengths(model: Sequences) -> Callable[[bytes], bool]:
    """Return what accepts as many sentences of each length as `model` has."""
    wanted = Counter(model.lengths.tolist())

    def accept(sentence: bytes) -> bool:
        wanted[len(sentence)] -= 1
        return wanted[len(sentence)] >= 0

    return accept


def sentences(sequences: Sequences) -> Iterator[bytes]:
    """Return each sequence as bytes, one byte per token."""
    return (sequences[index].tobytes() for index in range(len(sequences)))


def structure(sentence: bytes) -> bytes:
    """Return the whole sentence with the types of its brackets erased."""
    return sentence.translate(ERASE_TYPES)


def depths(tokens: np.ndarray) -> np.ndarray:
    """Count open brackets after each token, [token]; sentences are balanced, so they may stand end to end."""
    opens = (tokens >= OPEN) & (tokens < CLOSE)
    return np.cumsum(opens.astype(np.int64) - (tokens >= CLOSE))


def deepest(sentence: bytes) -> int:
    """Return the maximum depth of a sentence."""
    return int(depths(np.frombuffer(sentence, dtype=np.uint8)).max())


def scored(sequences: Sequences) -> Cases:
    """Score every closing bracket at least MIN_DISTANCE tokens after its opening bracket."""
    tokens = sequences.tokens
    brackets = np.flatnonzero(tokens >= OPEN)
    owner = np.repeat(np.arange(len(sequences)), sequences.lengths)
    closes = tokens[brackets] >= CLOSE
    level = depths(tokens)[brackets] + closes  # depth of the opening bracket, for both of a pair
    # Sorted by sentence and level, brackets alternate: each opening one is followed by the one that closes it.
    pairs = brackets[np.lexsort((brackets, level, owner[brackets]))].reshape(-1, 2)
    pairs = pairs[pairs[:, 1] - pairs[:, 0] >= MIN_DISTANCE]
    pairs = pairs[np.argsort(pairs[:, 1])]
    opened, closed = pairs[:, 0], pairs[:, 1]
    strata = {
        "depth": depths(tokens)[opened],
        "distance": np.array(DISTANCE_BUCKETS)[np.searchsorted(DISTANCE_BUCKETS, closed - opened, side="right") - 1],
    }
    sequence = owner[closed]
    return Cases(sequence, closed - 1 - sequences.offsets[sequence], tokens[closed], strata)


def _split(name: str, role: Role, sequences: Sequences) -> Split:
    return Split(name, role, sequences, scored(sequences))


task = Dyck()
