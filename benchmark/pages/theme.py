"""The theme: colour, shape and dash of each submission, distinct without colour too, in light and in dark."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from simplibench.board import ArenaCurves

# After Okabe and Ito, made darker on white and lighter on black until each stands out by 3 to 1.
COLOURS = (
    ("#0072b2", "#5cb3f0"),
    ("#d55e00", "#ff9248"),
    ("#00825f", "#2fcfa2"),
    ("#b0478a", "#ec9cca"),
    ("#8a6d00", "#ecc94b"),
    ("#6a51a3", "#bda6f2"),
    ("#2b8ca3", "#7fdcef"),
    ("#a63603", "#ffb59a"),
)
GREY = ("#6b7280", "#9aa3af")  # of every control
SHAPES = ("circle", "square", "triangle-up", "diamond", "cross", "triangle-down", "triangle-right")
DASHES = ((1, 0), (7, 3), (2, 2), (9, 3, 2, 3), (4, 2), (12, 4))
CONTROL_SHAPES = ("triangle-left", "cross", "square", "diamond", "triangle-down")
CONTROL_DASH = (1, 3)
FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'DejaVu Sans', sans-serif"


@dataclass(frozen=True)
class Mark:
    """The colour, shape and dash of one submission."""

    colour: tuple[str, str]  # on white, on black
    shape: str
    dash: tuple[int, ...]


@dataclass(frozen=True)
class Theme:
    """The mark of every submission, the same in all charts of a page."""

    marks: dict[str, Mark]

    @classmethod
    def of(cls, arenas: Iterable[ArenaCurves]) -> "Theme":
        """Return marks for the submissions of these arenas, by track in alphabetical order; controls are grey."""
        entries = {(arena.track, entry.submission, entry.control) for arena in arenas for entry in arena.entries}
        marks = {}
        for track in sorted({track for track, _, _ in entries}):
            ranked, controls = (
                sorted({name for entry_track, name, kind in entries if (entry_track, kind) == (track, control)})
                for control in (False, True)
            )
            for n, name in enumerate(ranked):
                marks[name] = Mark(COLOURS[n % len(COLOURS)], SHAPES[n % len(SHAPES)], DASHES[n % len(DASHES)])
            for n, name in enumerate(controls):
                marks[name] = Mark(GREY, CONTROL_SHAPES[n % len(CONTROL_SHAPES)], CONTROL_DASH)
        return cls(marks)

    def context(self, arena: ArenaCurves) -> "ChartContext":
        """Return what the charts of one arena depend on besides its data."""
        present = {entry.submission for entry in arena.entries}
        max_rate = max((entry.bits or 0 for entry in arena.entries), default=1)
        return ChartContext(
            track=arena.track,
            marks=tuple((name, mark) for name, mark in self.marks.items() if name in present),
            splits=tuple(arena.splits),
            budgets=tuple(arena.taken()),
            # A rate of 0 has no logarithm, and the scale that has one finds no labels of its own.
            rates=(0, *(4**power for power in range(12) if 4**power <= max_rate)),
            max_rate=max_rate,
        )


@dataclass(frozen=True)
class ChartContext:
    """The properties of an arena that its charts depend on besides its data."""

    track: str
    marks: tuple[tuple[str, Mark], ...]  # of its submissions, in the order of the legend
    splits: tuple[str, ...]
    budgets: tuple[float, ...]  # bits per token
    rates: tuple[int, ...]  # at the ticks of the axis, bits per token
    max_rate: float  # bits per token


def config(dark: bool, background: str | None = None) -> dict[str, Any]:
    """Return Vega's configuration of all that is not data; the background is the page's unless one is given."""
    text, line, grid = ("#e5e7eb", "#6b7280", "#2b313a") if dark else ("#1f2328", "#8c959f", "#e6e8eb")
    lettering = {"labelColor": text, "titleColor": text, "labelFontSize": 12, "titleFontSize": 12}
    return {
        "background": background,
        "font": FONT,
        "view": {"stroke": None},
        "axis": {
            **lettering,
            "titleFontWeight": "normal",
            "domainColor": line,
            "tickColor": line,
            "gridColor": grid,
            "labelLimit": 260,
        },
        "legend": {
            **lettering,
            "labelLimit": 200,
            "orient": "bottom",
            "direction": "horizontal",
            "columns": 4,
            "symbolSize": 90,
            "symbolOpacity": 1,
        },
        "header": {**lettering, "labelFontWeight": "bold", "labelFontSize": 13},
        "title": {"color": text},
        "text": {"color": text},
        "rule": {"color": line},
    }
