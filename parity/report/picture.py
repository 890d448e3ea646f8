"""A picture of a problem's truth, in characters."""

import numpy as np
from rich.text import Text

from parity.problems import Problem, Quantity
from parity.problems.drawing import inputs_at, spread, truth_at
from parity.problems.problem import Floats

WIDTH, HEIGHT = 56, 14
MARGIN = 11
"""Columns to the left, for the values at the ends of the upright axis."""
SHADES = " ░▒▓█"
BARS = " ▁▂▃▄▅▆▇█"
COLORS = ("grey35", "blue", "cyan", "green", "yellow")
"""Of the shades, where the terminal has colours."""


def picture(problem: Problem) -> Text:
    """The first output over the first input, or over the first two, with the others in the middle of their ranges."""
    axes = problem.drawn or problem.inputs
    return _curve(problem, axes[0]) if len(axes) == 1 else _map(problem, axes[0], axes[1])


def _map(problem: Problem, across: Quantity, upright: Quantity) -> Text:
    """A character a point, the darker the larger, in equal bands of the output or of its logarithm."""
    shares = np.full((HEIGHT, WIDTH, len(problem.drawn or problem.inputs)), 0.5)
    shares[..., 0] = np.linspace(0.0, 1.0, WIDTH)
    shares[..., 1] = np.linspace(1.0, 0.0, HEIGHT)[:, None]
    output = problem.outputs[0]
    values = _seen(output, _output(problem, shares.reshape(-1, shares.shape[-1]))).reshape(HEIGHT, WIDTH)
    low, high = float(values.min()), float(values.max())
    bands = np.minimum(_share(values, low, high) * len(SHADES), len(SHADES) - 1).astype(int)
    drawn = Text(f"{output.symbol} over {across.symbol} and {upright.symbol}{_others(problem, 2)}\n")
    labels = (f"{upright.low:.3g}", upright.symbol, f"{upright.high:.3g}")
    _frame(drawn, labels, [[(SHADES[band], COLORS[band]) for band in row] for row in bands])
    _foot(drawn, across)
    limits = [_own(output, low + (high - low) * edge / len(SHADES)) for edge in range(len(SHADES) + 1)]
    drawn.append(f"{'':4}{limits[0]} ")
    for band, limit in enumerate(limits[1:]):
        drawn.append(SHADES[band] * 3, COLORS[band]).append(f" {limit} ")
    drawn.rstrip()
    return drawn


def _curve(problem: Problem, across: Quantity) -> Text:
    """A column a point, as high as the output or its logarithm."""
    output = problem.outputs[0]
    values = _seen(output, _output(problem, np.linspace(0.0, 1.0, WIDTH)[:, None]))
    low, high = float(values.min()), float(values.max())
    steps = len(BARS) - 1
    eighths = np.rint(_share(values, low, high) * (HEIGHT * steps - 1)).astype(int) + 1
    drawn = Text(f"{output.symbol} over {across.symbol}\n")
    filled = [[BARS[min(max(each - steps * row, 0), steps)] for each in eighths] for row in reversed(range(HEIGHT))]
    _frame(
        drawn,
        (_own(output, low), output.symbol, _own(output, high)),
        [[(bar, "cyan") for bar in row] for row in filled],
    )
    _foot(drawn, across)
    drawn.rstrip()
    return drawn


def _output(problem: Problem, shares: Floats) -> Floats:
    """(N,) values of the first output."""
    inputs = inputs_at(problem, spread(problem.drawn or problem.inputs, shares))
    return truth_at(problem, inputs)[:, 0]


def _seen(quantity: Quantity, values: Floats) -> Floats:
    return np.log(values) if quantity.log else values


def _own(quantity: Quantity, value: float) -> str:
    return f"{np.exp(value) if quantity.log else value:.3g}"


def _share(values: Floats, low: float, high: float) -> Floats:
    return (values - low) / (high - low) if high > low else np.zeros_like(values)


def _frame(drawn: Text, labels: tuple[str, str, str], rows: list[list[tuple[str, str]]]) -> None:
    """Rows between two lines; the lower end of the upright axis, its symbol and its upper end stand to the left."""
    beside = dict(zip((len(rows) - 1, len(rows) // 2, 0), labels, strict=True))
    for number, row in enumerate(rows):
        drawn.append(f"{beside.get(number, ''):>{MARGIN - 2}} │")
        for character, color in row:
            drawn.append(character, color)
        drawn.append("│\n")


def _foot(drawn: Text, across: Quantity) -> None:
    scale = f"{across.symbol}{', ln' if across.log else ''}"
    low, high = f"{across.low:.3g}", f"{across.high:.3g}"
    drawn.append(" " * MARGIN + low + scale.center(WIDTH - len(low) - len(high)) + high + "\n")


def _others(problem: Problem, shown: int) -> str:
    others = [quantity.symbol for quantity in (problem.drawn or problem.inputs)[shown:]]
    return f", with {', '.join(others)} in mid-range" if others else ""
