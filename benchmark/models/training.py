"""Training of a reference: cross-entropy on batches of similar length, resumable to the same weights."""

import io
import math
import pickle
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from simplibench.arrays import Integers
from simplibench.errors import DamagedFile
from simplibench.files import write_bytes
from simplibench.models.architectures import build
from simplibench.models.network import Network
from simplibench.models.rounding import mixed_precision
from simplibench.tasks import Family, Recipe, Sequences, Task

IGNORED = -100  # cross_entropy's label for padding
BETAS = (0.9, 0.98)


@dataclass(frozen=True)
class Progress:
    """The state of a training after a step."""

    step: int
    loss: float  # nats per token
    accuracy: float  # share of right predictions where the target is a candidate


class Training:
    """A training: model, optimizer and step, saved to and resumed from one file.

    The batch of a step depends on seed and step alone. So a training that was killed and resumes from its last save
    ends at the weights of one that was never interrupted (on the same machine and number of threads).
    """

    def __init__(
        self, task: Task, family: Family, sequences: Sequences, seed: int, file: Path, device: str = "cpu"
    ) -> None:
        self.task, self.family, self.sequences = task, family, sequences
        self.seed, self.file, self.step, self.device = seed, file, 0, device
        self.model = initial(family, seed).to(device)
        recipe = family.recipe
        trained = [weight for weight in self.model.parameters() if weight.requires_grad]
        self.optimizer = torch.optim.AdamW(
            trained, recipe.learning_rate, BETAS, weight_decay=recipe.weight_decay, fused=True
        )
        if file.exists():
            self._resume()

    def run(self, save_seconds: float = 120.0) -> Iterator[Progress]:
        """Train to the last step, saving every `save_seconds` and at the end."""
        saved = time.monotonic()
        batches = self._batches()
        while self.step < self.family.recipe.steps:
            progress = self._advance(*next(batches))
            if time.monotonic() - saved > save_seconds or self.step == self.family.recipe.steps:
                self.save()
                saved = time.monotonic()
            yield progress

    def save(self) -> None:
        """Save everything that a resumed training needs; if that fails, the last save stays as it was."""
        state = {
            "step": self.step,
            "identity": self._identity(),
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
        }
        content = io.BytesIO()  # torch's own writing words a full disk as a fault of its archive
        torch.save(state, content)
        write_bytes(self.file, content.getvalue())

    def _resume(self) -> None:
        try:
            state = torch.load(self.file, map_location=self.device, weights_only=True)
        except (OSError, RuntimeError, EOFError, pickle.UnpicklingError) as error:
            raise DamagedFile(
                f"{self.file}: cannot be resumed from ({type(error).__name__}); delete it to start anew"
            ) from None
        if state["identity"] != self._identity():
            raise DamagedFile(
                f"{self.file}: holds another training, expected {self._identity()}, got {state['identity']}; "
                "delete it to start anew"
            )
        self.step = state["step"]
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])

    def _identity(self) -> str:
        return f"{self.family!r} seed {self.seed}"

    def _advance(self, inputs: Tensor, targets: Tensor) -> Progress:
        recipe = self.family.recipe
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate(recipe, self.step)
        with mixed_precision(self.device, bfloat16=recipe.precision == "bfloat16"):
            logits = self.model(inputs).float()
        loss = self._loss(logits, targets)
        if recipe.invariance:
            loss = loss + recipe.invariance * self._variance(inputs, logits)
        loss.backward()
        nn.utils.clip_grad_norm_(self.model.parameters(), recipe.clip_norm)
        self.optimizer.step()
        self.optimizer.zero_grad()
        self.step += 1
        return Progress(self.step, loss.item(), self._accuracy(logits.detach(), targets))

    def _loss(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Return the cross-entropy over the vocabulary, at every real position or where the target is a candidate."""
        if self.family.recipe.scored_only:
            targets = targets.masked_fill(~self._scored(targets), IGNORED)
        return F.cross_entropy(logits.flatten(0, 1), targets.flatten(), ignore_index=IGNORED)

    def _variance(self, inputs: Tensor, logits: Tensor) -> Tensor:
        """Return the squared change of logits when sequences are lengthened, summed over tokens, mean over positions."""
        rng = np.random.default_rng([self.seed, self.step])
        longer = self.model(torch.from_numpy(self.task.lengthened(inputs.cpu().numpy(), rng)).to(self.device))
        kept = inputs.shape[1] - 1
        changes: Tensor = longer[:, -kept:] - logits[:, -kept:]
        return changes.square().sum(-1).mean()

    def _scored(self, targets: Tensor) -> Tensor:
        return (targets >= self.task.candidates.start) & (targets < self.task.candidates.stop)

    def _accuracy(self, logits: Tensor, targets: Tensor) -> float:
        scored, first = self._scored(targets), self.task.candidates.start
        right = logits[scored][:, first : self.task.candidates.stop].argmax(-1) + first == targets[scored]
        return right.float().mean().item() if len(right) else math.nan

    def _batches(self) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield shuffled batches of sequences of like length from the current step on, epoch after epoch."""
        passed, epoch = 0, 0
        while True:
            batches = length_batches(
                self.sequences.lengths - 1, self.family.recipe.batch_tokens, np.random.default_rng([self.seed, epoch])
            )
            for batch in batches[max(0, self.step - passed) :]:
                inputs, targets = padded(self.sequences, batch)
                yield inputs.to(self.device), targets.to(self.device)
            passed, epoch = passed + len(batches), epoch + 1


def initial(family: Family, seed: int) -> Network:
    """Return the untrained model of a seed: normal weights scaled to their inputs, residual outputs shrunk as in GPT-2."""
    generator = torch.Generator().manual_seed(seed)
    model = build(family.architecture)
    for name, weight in model.named_parameters():
        if weight.ndim == 2 and weight.requires_grad:
            residual_output = name.endswith(("output.weight", "mlp.2.weight"))
            shrink = math.sqrt(2 * family.architecture.layers) if residual_output else 1
            fan_in = 1 if "token" in name or "position" in name else weight.shape[1]
            scale = 0.1 if fan_in == 1 else fan_in**-0.5
            nn.init.normal_(weight, std=scale / shrink, generator=generator)
        elif name.endswith("bias"):
            nn.init.zeros_(weight)
    return model


def learning_rate(recipe: Recipe, step: int) -> float:
    """Return the learning rate of a step: linear warm-up, then cosine decay to zero at the last step."""
    if step < recipe.warmup_steps:
        return recipe.learning_rate * (step + 1) / recipe.warmup_steps
    done = (step - recipe.warmup_steps) / max(1, recipe.steps - recipe.warmup_steps)
    return recipe.learning_rate * (1 + math.cos(math.pi * done)) / 2


def length_batches(lengths: Integers, batch_tokens: int, rng: np.random.Generator) -> list[Integers]:
    """Return batches of indices of sequences of like length, at most `batch_tokens` padded tokens each, in random order."""
    order = np.lexsort((rng.random(len(lengths)), lengths))
    batches: list[Integers] = []
    start = 0
    while start < len(order):
        # Sorted by length, so the last sequence of a batch is its longest: fit as many as its length allows.
        ends = np.arange(start + 1, min(len(order), start + batch_tokens) + 1)
        fitting = int(np.count_nonzero((ends - start) * lengths[order[ends - 1]] <= batch_tokens))
        batches.append(order[start : start + max(1, fitting)])
        start += max(1, fitting)
    return [batches[index] for index in rng.permutation(len(batches))]


def padded(sequences: Sequences, indices: Integers) -> tuple[Tensor, Tensor]:
    """Return inputs and next-token targets [B, T] of the sequences at `indices` [B], padded on the right."""
    lengths = sequences.lengths[indices]
    inside = np.arange(lengths.max()) < lengths[:, None]
    tokens = np.full(inside.shape, IGNORED, dtype=np.int64)
    tokens[inside] = sequences.take(indices).tokens
    joined = torch.from_numpy(tokens)
    return joined[:, :-1].clamp(min=0), joined[:, 1:]
