"""Bars over a logarithmic axis, as SVG."""

from collections.abc import Iterable, Sequence
from html import escape
from math import ceil, floor, log10
from statistics import median
from typing import NamedTuple

from benchmarks.peers.rows import Row, newest

LEFT, WIDTH, RIGHT = 280, 520, 70
TOP, BAR, GAP = 44, 18, 8
KINDS = {
    "ours": ("#0072b2", "ours"),
    "tuned": ("#009e73", "bare loop, tuned"),
    "idiomatic": ("#56b4e9", "as documented"),
    "peer": ("#999999", "library"),
}
"""Colours that are told apart by all eyes (Okabe and Ito 2008, jfly.uni-koeln.de/color), and what they stand for."""


class Bar(NamedTuple):
    """A name, its value above 0, and its kind."""

    name: str
    value: float
    kind: str


def bars(rows: Iterable[Row]) -> list[Bar]:
    """Microseconds a step, the fewest first: the medians over the newest rows."""
    measured = [row for row in newest(list(rows)).values() if "ratio" in row]
    found = [
        Bar(name, median(row["ours_microseconds"] for row in measured if row["ours"] == name), "ours")
        for name in {row["ours"] for row in measured}
    ] + [
        Bar(name, median(row["microseconds"] for row in measured if row["peer"] == name), kind)
        for name, kind in {(row["peer"], row["class"]) for row in measured}
    ]
    return sorted(found, key=lambda bar: bar.value)


def svg(title: str, drawn: Sequence[Bar]) -> str:
    """The picture; each bar has its value beside it, and the axis a line for each power of ten."""
    low = floor(log10(min(bar.value for bar in drawn)))
    high = max(ceil(log10(max(bar.value for bar in drawn))), low + 1)
    height = TOP + len(drawn) * (BAR + GAP) + 30

    def across(value: float) -> float:
        return LEFT + WIDTH * (log10(value) - low) / (high - low)

    parts = [text(LEFT, 18, title, "start", 15)]
    for i, (color, words) in enumerate(KINDS.values()):
        x = LEFT + i * WIDTH / len(KINDS)
        parts += [rectangle(x, 26, 10, 10, color), text(x + 14, 35, words, "start")]
    for power in range(low, high + 1):
        x = across(10.0**power)
        parts.append(f'<line x1="{x:.1f}" y1="{TOP}" x2="{x:.1f}" y2="{height - 26}" stroke="#cccccc"/>')
        parts.append(text(x, height - 10, f"{10.0**power:g}", "middle"))
    for i, bar in enumerate(drawn):
        y, end = TOP + GAP / 2 + i * (BAR + GAP), across(bar.value)
        parts.append(text(LEFT - 8, y + 13, bar.name, "end"))
        parts.append(rectangle(LEFT, y, end - LEFT, BAR, KINDS[bar.kind][0]))
        parts.append(text(end + 6, y + 13, f"{bar.value:.0f}" if bar.value >= 100 else f"{bar.value:.3g}", "start"))
    size = f'viewBox="0 0 {LEFT + WIDTH + RIGHT} {height}"'
    style = 'font-family="sans-serif" font-size="12"'
    ground = rectangle(0, 0, LEFT + WIDTH + RIGHT, height, "#ffffff")
    return "\n".join([f'<svg xmlns="http://www.w3.org/2000/svg" {size} {style}>', ground, *parts, "</svg>"]) + "\n"


def text(x: float, y: float, words: str, anchor: str, size: int = 12) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}" fill="#222222">{escape(words)}</text>'
    )


def rectangle(x: float, y: float, width: float, height: float, color: str) -> str:
    return f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" fill="{color}"/>'
