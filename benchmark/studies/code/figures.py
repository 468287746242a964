"""The figures of the code study. Colours are Okabe and Ito's; shapes differ too."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from simplibench.arrays import Floats
from simplibench.scoring.inference import Interval
from simplibench.studies.code.agreement import (
    CODECS,
    DETAILED,
    EVERYTHING,
    LANGUAGES,
    UNSEEN_LANGUAGE,
    UNSEEN_PROJECT,
    AgreementRow,
    GapRow,
    TallyKey,
)
from simplibench.studies.code.heads import HeadRow

BLACK, BLUE, VERMILION, GREEN, PINK = "#000000", "#0072B2", "#D55E00", "#009E73", "#CC79A7"
RANKS = {"svd": ("singular vectors kept", (1, 2, 4, 8, 16)), "kmeans": ("clusters", (16, 64, 256, 1024))}
NAMES = dict(zip(DETAILED, ("SVD, rank 8", "k-means, 256 clusters", "one-hot attention"), strict=True))
LAYER_MARKERS = (("o", BLACK), ("s", BLUE), ("^", VERMILION), ("D", GREEN))


def draw_agreement(rows: Sequence[AgreementRow], path: Path) -> None:
    """Draw agreement by rank, one column per layer and one row per method; one-hot attention is beside k-means."""
    by_key = {(row.entry, row.layer, row.split): row for row in rows if row.kind == EVERYTHING}
    layers = sorted({row.layer for row in rows})
    figure = Figure(figsize=(2.7 * len(layers), 5.4), layout="constrained")
    grid = figure.subplots(len(RANKS), len(layers), sharey=True, squeeze=False)
    for axes_of_method, (method, (unit, ranks)) in zip(grid, RANKS.items(), strict=True):
        for axes, layer in zip(axes_of_method, layers, strict=True):
            places = np.arange(len(ranks))
            entries = list(CODECS[method])
            if method == "kmeans":
                entries += CODECS["one-hot-attention"]
                places = np.append(places, len(ranks) + 0.5)
            _curves(axes, by_key, entries, layer, places, len(ranks))
            axes.set_xticks(places, [*map(str, ranks), *(["one-hot"] if method == "kmeans" else [])], fontsize=8)
            axes.set_xlabel(unit, fontsize=9)
            axes.set_title(f"layer {layer}", fontsize=10, loc="left")
            _plain(axes)
    for axes in grid[:, 0]:
        axes.set_ylabel("agreement with the model", fontsize=9)
    handles, labels = grid[0, 0].get_legend_handles_labels()
    order = sorted(range(len(labels)), key=lambda index: labels[index].startswith("other"))
    grid[0, 0].legend(
        [handles[index] for index in order], [labels[index] for index in order], fontsize=8, frameon=False
    )
    _save(figure, path)


def _curves(
    axes: Any, by_key: dict[TallyKey, AgreementRow], entries: list[str], layer: int, places: Any, line: int
) -> None:
    """Draw curves through the first `line` entries, and the others as single points."""
    for split, colour, marker, label in (
        ("id", BLACK, "o", "in distribution"),
        ("unseen-project", BLUE, "s", "unseen project"),
    ):
        middle, reach = _reach([by_key[entry, layer, split].agreement for entry in entries])
        style = {"color": colour, "marker": marker, "markersize": 4, "linewidth": 1.2, "elinewidth": 0.8}
        axes.errorbar(places[:line], middle[:line], reach[:, :line], label=label, **style)
        axes.errorbar(places[line:], middle[line:], reach[:, line:], **style)
    values = np.array([_reach([by_key[entry, layer, split].agreement for split in LANGUAGES])[0] for entry in entries])
    middle, style = values.mean(1), {"color": VERMILION, "marker": "^", "markersize": 4, "linewidth": 1.2}
    axes.plot(places[:line], middle[:line], label="other languages: mean, range", **style)
    axes.fill_between(
        places[:line], values.min(1)[:line], values.max(1)[:line], color=VERMILION, alpha=0.18, linewidth=0
    )
    axes.plot(places[line:], middle[line:], **style)
    axes.vlines(places[line:], values.min(1)[line:], values.max(1)[line:], color=VERMILION, alpha=0.35, linewidth=4)


def draw_gaps(rows: Sequence[GapRow], path: Path) -> None:
    """Draw by kind of character how much less each proxy agrees on an unseen project and in unseen languages."""
    kinds = list(dict.fromkeys(row.kind for row in rows))
    figure = Figure(figsize=(10.8, 3.8), layout="constrained")
    panels = figure.subplots(1, len(NAMES), sharey=True, sharex=True)
    for axes, (entry, name) in zip(panels, NAMES.items(), strict=True):
        for against, colour, marker, shift in (
            (UNSEEN_PROJECT, BLUE, "s", -0.14),
            (UNSEEN_LANGUAGE, VERMILION, "^", 0.14),
        ):
            shown = [row for row in rows if (row.entry, row.against) == (entry, against) and row.gap]
            y = np.array([kinds.index(row.kind) for row in shown]) + shift
            x, reach = _reach([row.gap for row in shown])
            axes.errorbar(x, y, xerr=reach, fmt=marker, color=colour, markersize=5, elinewidth=1, label=against)
        axes.axvline(0, color="#888888", linewidth=0.8)
        axes.set_title(name, fontsize=10, loc="left")
        axes.set_xlabel("agreement in distribution less out of it", fontsize=9)
        _plain(axes)
    panels[0].set_yticks(range(len(kinds)), kinds, fontsize=9)
    panels[0].invert_yaxis()
    panels[-1].legend(fontsize=8, frameon=False, loc="best")
    _save(figure, path)


def draw_heads(rows: Sequence[HeadRow], path: Path) -> None:
    """Draw one point per head: induction against the cost of ablation, and against the gap of its proxy."""
    figure = Figure(figsize=(10.8, 3.8), layout="constrained")
    for axes, (column, label) in zip(
        figure.subplots(1, 3),
        {
            "ablation_on_repeated": "Head ablated: accuracy lost on repeated identifiers",
            "gap": "Head simplified: ID less OOD agreement",
            "gap_on_repeated": "The same, on repeated identifiers",
        }.items(),
        strict=True,
    ):
        for layer, (marker, colour) in enumerate(LAYER_MARKERS):
            shown = [row for row in rows if row.layer == layer]
            x, y = [row.induction for row in shown], [getattr(row, column) for row in shown]
            axes.scatter(x, y, s=28, marker=marker, color=colour, alpha=0.8, linewidth=0, label=f"layer {layer}")
        axes.axhline(0, color="#888888", linewidth=0.8)
        axes.set_xlabel("induction score", fontsize=9)
        axes.set_title(label, fontsize=9, loc="left")
        _plain(axes)
    figure.axes[0].legend(fontsize=8, frameon=False)
    _save(figure, path)


def _reach(intervals: Sequence[Interval | None]) -> tuple[Floats, Floats]:
    """Return values [n], and how far their intervals reach below and above them, [2, n]; None is left out."""
    known = [interval for interval in intervals if interval]
    values = np.array([interval.value for interval in known])
    return values, np.abs(np.array([[interval.low, interval.high] for interval in known]).T - values)


def _plain(axes: Any) -> None:
    axes.grid(alpha=0.25)
    axes.tick_params(labelsize=8)
    axes.spines[["top", "right"]].set_visible(False)


def _save(figure: Figure, path: Path) -> None:
    """Write the figure as PNG without date or version, so that the same rows give the same picture."""
    figure.savefig(path, format="png", dpi=130, metadata={"Software": None})
