"""Batch the sentences of a split by length, padded, with the positions to predict at."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from simplibench.tasks import Cases, Sequences, Split, Task

BATCH_TOKENS = Task.batch_tokens  # padded tokens a batch, at most, unless one sequence is longer


@dataclass(frozen=True)
class Batch:
    """Sequences [B, T], right-padded, and their scored positions [B, Q], padded with position 0."""

    tokens: Tensor  # [B, T]
    real: Tensor  # [B, T] not padding
    at: Tensor | None  # [B, Q] scored positions; None: every position
    asked: Tensor  # [B, Q] not padding ([B, T] where `at` is None)
    cases: Tensor  # [case] index into the split's cases, in the order of `asked`

    @cached_property
    def real_index(self) -> Tensor:
        """Return the indices of positions that are no padding, in the flattened batch, [N]."""
        return self.real.flatten().nonzero()[:, 0]

    @cached_property
    def asked_index(self) -> Tensor:
        """Return the indices of scored positions that are no padding, in the flattened `asked`, [N]."""
        return self.asked.flatten().nonzero()[:, 0]


def limited(split: Split, sentences: int | None) -> Split:
    """Return the first `sentences` of a split with their cases; None keeps all."""
    if sentences is None or sentences >= len(split.sequences):
        return split
    cases = split.cases
    kept = cases.sequence < sentences
    strata = {name: labels[kept] for name, labels in cases.strata.items()}
    fewer = Cases(cases.sequence[kept], cases.position[kept], cases.target[kept], strata)
    return Split(split.name, split.role, split.sequences.take(np.arange(sentences)), fewer)


def scored_batches(split: Split, device: str, batch_tokens: int = BATCH_TOKENS) -> list[Batch]:
    """Return batches of the sentences up to their last scored position: a causal model needs to read no more."""
    cases = split.cases
    lengths = np.zeros(len(split.sequences), dtype=np.int64)
    np.maximum.at(lengths, cases.sequence, cases.position + 1)
    per_sentence = np.bincount(cases.sequence, minlength=len(split.sequences))
    by_sentence = np.split(np.argsort(cases.sequence, kind="stable"), np.cumsum(per_sentence)[:-1])
    return [
        _scored_batch(split, group, lengths[group], [by_sentence[index] for index in group], device)
        for group in _groups(lengths, batch_tokens)
    ]


def whole_batches(sequences: Sequences, device: str, batch_tokens: int = BATCH_TOKENS) -> list[Batch]:
    """Return batches that ask for every position but that of the last token, which has no next token."""
    lengths = sequences.lengths - 1
    batches = []
    for group in _groups(lengths, batch_tokens):
        tokens, real = _pad(sequences, group, lengths[group], device)
        batches.append(Batch(tokens, real, None, real, torch.empty(0, dtype=torch.int64)))
    return batches


def likeliest(logits: Tensor, candidates: range) -> Tensor:
    """Return the most likely candidate token of each case, [case, V] -> [case]."""
    return logits[:, candidates.start : candidates.stop].argmax(-1) + candidates.start


def _groups(lengths: np.ndarray, batch_tokens: int) -> Iterator[np.ndarray]:
    """Yield indices of sequences of similar lengths, longest first: a batch is as wide as its first sequence."""
    order = np.argsort(-lengths, kind="stable")
    order = order[lengths[order] > 0]
    start = 0
    while start < len(order):
        count = max(1, batch_tokens // int(lengths[order[start]]))
        yield order[start : start + count]
        start += count


def _scored_batch(split: Split, group: np.ndarray, lengths: np.ndarray, cases: list[np.ndarray], device: str) -> Batch:
    """Return a batch of the sequences `group`, cut to `lengths`; `cases`: the indices of each sequence's cases."""
    tokens, real = _pad(split.sequences, group, lengths, device)
    counts = np.array([len(of_sequence) for of_sequence in cases])
    asked = np.arange(counts.max()) < counts[:, None]
    at = np.zeros(asked.shape, dtype=np.int64)
    order = np.concatenate(cases)
    at[asked] = split.cases.position[order]
    every = asked.shape == tokens.shape and bool((at == np.arange(len(asked[0]))).all())
    positions = None if every else torch.from_numpy(at).to(device)
    return Batch(tokens, real, positions, torch.from_numpy(asked).to(device), torch.from_numpy(order))


def _pad(sequences: Sequences, group: np.ndarray, lengths: np.ndarray, device: str) -> tuple[Tensor, Tensor]:
    """Return the tokens of the sequences `group`, cut to `lengths` and padded with 0, [B, T], and which are real."""
    real = np.arange(lengths.max()) < lengths[:, None]
    starts = sequences.offsets[group]
    places = np.minimum(starts[:, None] + np.arange(lengths.max()), len(sequences.tokens) - 1)
    tokens = np.where(real, sequences.tokens[places], 0).astype(np.int64)
    return torch.from_numpy(tokens).to(device), torch.from_numpy(real).to(device)
