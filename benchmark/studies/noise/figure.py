"""The figure of the noise study: the standard error of each submission's score due to references and to sentences."""

from pathlib import Path

from matplotlib.figure import Figure

from simplibench.studies.noise.sources import SourceRow

# Okabe and Ito's colours, which people with red-green colour blindness can distinguish; shapes differ too.
STYLES = {
    "score_over_references": ("#0072B2", "o", "other references"),
    "score_over_sentences": ("#D55E00", "^", "other sentences"),
}


def draw(rows: list[SourceRow], path: Path) -> None:
    """Write the figure as PNG to `path`; the same rows give the same picture."""
    shown = [row for row in rows if row.score > 0]
    figure = Figure(figsize=(8, 1.2 + 0.19 * len(shown)), layout="constrained")
    axes = figure.subplots()
    for column, (colour, marker, label) in STYLES.items():
        points = [(getattr(row, column), height) for height, row in enumerate(shown) if getattr(row, column)]
        widths, heights = [width for width, _ in points], [height for _, height in points]
        axes.scatter(widths, heights, s=28, color=colour, marker=marker, label=label, linewidth=0, zorder=3)
    axes.set_yticks(range(len(shown)), [f"{row.arena}  {row.submission}" for row in shown], fontsize=7)
    axes.set_xscale("log")
    axes.set_ylim(len(shown) - 0.4, -0.6)
    axes.grid(alpha=0.25)
    axes.set_xlabel("standard error of the OOD score")
    axes.set_title("What moves the leaderboard's scores", fontsize=10, loc="left")
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(fontsize=8, frameon=False, loc="upper left", bbox_to_anchor=(1, 1))
    figure.savefig(path, format="png", dpi=130, metadata={"Software": None})
