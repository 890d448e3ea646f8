"""The map: networks by width and batch size, and which backend is ahead on each, as a picture."""

from collections.abc import Sequence
from html import escape

from parity.bench.advice import factor, is_ahead, rival, tuned
from parity.numbers import short
from parity.throughput.rows import Row, latest

COLORS = {"jax": "#0072b2", "torch": "#d55e00", "neither": "#999999"}
"""Colours that are told apart by all eyes (Okabe and Ito 2008, jfly.uni-koeln.de/color)."""
LEFT, TOP, WIDTH, HEIGHT, FOOT = 130, 74, 190, 54, 30


class Cell:
    """A network, and the best that each backend has for it."""

    def __init__(self, rows: Sequence[Row]) -> None:
        self.first = rows[0]
        candidates = tuned(rows)
        self.best = candidates[0] if candidates else None
        self.rival = rival(candidates)

    @property
    def line(self) -> tuple[tuple[int, ...], str]:
        """Where it stands on the map: the widths of the hidden layers, and the dtype."""
        return self.first.widths[1:-1], self.first.dtype

    @property
    def winner(self) -> str:
        """The backend that is ahead; `neither` where the noise of the machine is more than what lies between them."""
        if self.best is None or self.rival is None or not is_ahead(self.best, self.rival):
            return "neither"
        return self.best.backend

    @property
    def told(self) -> tuple[str, str]:
        """Two lines: who is the fastest, and by how much."""
        if self.best is None:
            return "not measured", ""
        mode = f"{self.best.backend}:{self.best.mode}" + (
            "" if self.best.device == "cpu" else f" on {self.best.device}"
        )
        ahead = "" if self.rival is None else f"{factor(self.rival, self.best)} x{' *' * bool(self.best.unpublishable)}"
        return f"{mode}, {short(1e6 * (self.best.seconds_per_step or 0.0))} us", ahead


def cells_of(rows: Sequence[Row]) -> list[Cell]:
    """The networks in a file, each with what was measured last."""
    by_cell: dict[tuple[object, ...], list[Row]] = {}
    for row in latest(rows):
        by_cell.setdefault(row.cell, []).append(row)
    return [Cell(mine) for mine in by_cell.values()]


def svg(rows: Sequence[Row], title: str) -> str:
    """The map as SVG; widths downwards, batch sizes to the right."""
    cells = cells_of(rows)
    lines = sorted({cell.line for cell in cells}, key=lambda line: (max(line[0], default=0), line))
    dtypes = {dtype for _, dtype in lines}
    batches = sorted({cell.first.batch_size for cell in cells})
    parts = [_text(12, 24, title, size=16)]
    for place, (name, color) in enumerate(COLORS.items()):
        words = f"{name} is ahead" if name != "neither" else "not told apart"
        parts += [_box(12 + 150 * place, 36, 11, 11, color), _text(28 + 150 * place, 46, words)]
    for column, batch in enumerate(batches):
        parts.append(_text(LEFT + WIDTH * column + 8, TOP - 8, f"batch {batch}"))
    for place, (hidden, dtype) in enumerate(lines):
        parts.append(_text(12, TOP + HEIGHT * place + 30, "-".join(map(str, hidden))))
        parts += [_text(12, TOP + HEIGHT * place + 46, dtype)] * (len(dtypes) > 1)
    for cell in cells:
        x, y = LEFT + WIDTH * batches.index(cell.first.batch_size), TOP + HEIGHT * lines.index(cell.line)
        parts.append(_box(x + 2, y + 2, WIDTH - 4, HEIGHT - 4, COLORS.get(cell.winner, COLORS["neither"])))
        parts += [_text(x + 12, y + 23 + 18 * number, words, color="#ffffff") for number, words in enumerate(cell.told)]
    width, height = LEFT + WIDTH * len(batches) + 12, TOP + HEIGHT * len(lines) + FOOT
    parts.append(_text(12, height - 10, _foot(rows)))
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="13">'
    return "\n".join([head, _box(0, 0, width, height, "#ffffff"), *parts, "</svg>"]) + "\n"


def _foot(rows: Sequence[Row]) -> str:
    """What holds for all of them, and the most noise of any."""
    first = rows[0]
    cores = f"{first.threads} core{'s' * (first.threads > 1)}"
    noise = max(row.noise or 0.0 for row in rows)
    dtypes = ", ".join(sorted({row.dtype for row in rows}))
    marked = "; * not to be published" if any(row.unpublishable for row in rows) else ""
    return f"{first.environment.get('processor', '')}, {cores}, {dtypes}; noise up to {noise:.1%}{marked}"


def _text(x: float, y: float, words: str, *, color: str = "#222222", size: int = 13) -> str:
    return f'<text x="{x}" y="{y}" fill="{color}" font-size="{size}">{escape(words)}</text>'


def _box(x: float, y: float, width: float, height: float, color: str) -> str:
    return f'<rect x="{x}" y="{y}" width="{width}" height="{height}" fill="{color}"/>'
