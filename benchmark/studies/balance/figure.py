"""The figure of the balance study: violation against OOD accuracy, and four attentions of one function."""

from pathlib import Path
from typing import Any

import torch
from matplotlib.figure import Figure

from simplibench.models import Site
from simplibench.models.theory import same_values
from simplibench.studies.balance.measure import CONSTRUCTED, ModelRow

# Okabe and Ito's colours, which people with red-green colour blindness can distinguish; shapes differ too.
STYLES = {
    "minimal": ("#0072B2", "o", "one-hot (type, depth)"),
    "minimal-contrastive": ("#D55E00", "^", "the same, contrastive"),
    "minimal-type-depth": ("#009E73", "s", "type and depth"),
    "minimal-type-angle": ("#CC79A7", "D", "type and angle"),
    CONSTRUCTED: ("#000000", "*", "constructed, seven attentions"),
}
SHOWN = {"uniform": "uniform", "depth": "by depth", "start": "START sink", "random-0": "random"}
TEXT = ((2, 2, 2, 2, 4, 4, 4, 4), (1, 1, 1, 1, 3, 3, 3, 3))  # [[[[]]]](((())))
LETTERS = {0: "S", 1: "(", 2: "[", 3: ")", 4: "]"}


def draw(rows: list[ModelRow], path: Path) -> None:
    """Write the figure as PNG to `path`; the same rows give the same picture."""
    figure = Figure(figsize=(11, 4.4), layout="constrained")
    left, right = figure.subfigures(1, 2, width_ratios=(1, 1.1), squeeze=False)[0]
    _scatter(left.subplots(), rows)
    _maps(right)
    figure.savefig(path, format="png", dpi=130, metadata={"Software": None})


def _scatter(axes: Any, rows: list[ModelRow]) -> None:
    for family, (colour, marker, label) in STYLES.items():
        shown = [row for row in rows if row.family == family and row.balance_violation is not None]
        x, y = [row.balance_violation for row in shown], [row.ood_accuracy for row in shown]
        size = 90 if marker == "*" else 26
        axes.scatter(x, y, s=size, color=colour, marker=marker, label=label, alpha=0.8, linewidth=0, zorder=3)
    axes.set_xlabel("balance violation of the weights")
    axes.set_ylabel("accuracy at lengths 400-500")
    axes.set_title("Balance and generalization, one point per trained model", fontsize=10, loc="left")
    axes.grid(alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(fontsize=8, frameon=False, loc="lower left")


def _maps(figure: Any) -> None:
    text = torch.tensor([[0, *TEXT[0], *TEXT[1]]])
    letters = [LETTERS[token] for token in text[0].tolist()]
    figure.suptitle("Attention of four models with equal logits (rows: query, columns: key)", fontsize=10)
    models = same_values()
    for axes, (name, label) in zip(figure.subplots(2, 2).flat, SHOWN.items(), strict=True):
        pattern = models[name].prefix(text, Site(0, "pattern")).streams["pattern"][0, 0]
        axes.imshow(pattern.numpy(), cmap="viridis", vmin=0, vmax=1)
        axes.set_title(label, fontsize=9)
        axes.set_xticks(range(len(letters)), letters, fontsize=6)
        axes.set_yticks(range(len(letters)), letters, fontsize=6)
        axes.tick_params(length=0)
