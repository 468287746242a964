"""Descriptions of references: architecture, recipe, seeds. models/ builds and trains them."""

from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True)
class Architecture:
    """The shape of a reference. The defaults are a GPT-2-like transformer; models/ says what the others are."""

    layers: int
    heads: int
    width: int  # of the residual stream
    head_width: int  # of a query, key or value vector
    mlp_width: int  # 0 where there is none
    vocabulary: int  # token ids run from 0 to vocabulary - 1
    context: int  # the longest input, in tokens
    kind: Literal["transformer", "minimal"] = "transformer"
    tokens: Literal["learned", "one-hot", "pair", "type+depth", "type+angle"] = "learned"  # the last three: minimal
    positions: Literal["learned", "linear", "none"] = "learned"
    attention_norm: bool = True
    final_norm: bool = True
    activation: Literal["gelu", "relu"] = "gelu"
    max_depth: int = 0  # of brackets, where tokens are embedded with their depth


@dataclass(frozen=True)
class Recipe:
    """How a reference is trained: AdamW, linear warm-up, cosine decay to zero."""

    steps: int
    batch_tokens: int  # padded tokens a batch, at most
    learning_rate: float  # at the end of the warm-up
    warmup_steps: int
    weight_decay: float
    clip_norm: float
    scored_only: bool = False  # the loss counts only positions whose next token is a candidate
    precision: Literal["float32", "bfloat16"] = "float32"  # of products of matrices; weights and sums are float32
    invariance: float = 0.0  # weight of the squared change of the logits when `Task.lengthened` says none is due


@dataclass(frozen=True)
class Family:
    """References of one architecture and recipe that differ in their seed."""

    name: str
    architecture: Architecture
    recipe: Recipe
    seeds: tuple[int, ...]
    # How the repository has the weights. No part of what a training is told apart by: that is in float32 anyway.
    stored: Literal["float32", "float16"] = field(default="float32", repr=False)

    @property
    def references(self) -> tuple[int | Literal["untrained"], ...]:
        """Return the trained ones by seed, and the untrained control."""
        return (*self.seeds, "untrained")
