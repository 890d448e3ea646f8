"""The activations in C99: without branches or calls where that is possible, so that a compiler turns their loops into vectors.

exp(x) = 2^n exp(r), with n the whole number nearest x / ln 2 and r = x - n ln 2, ln 2 taken in two parts, the first of them so
short that its product with n is exact (Cody and Waite 1980, Software Manual for the Elementary Functions). n is read from the
last bits of x / ln 2 + 1.5 2^52, and 2^n is made of bits. exp(r) - 1 is the Taylor polynomial whose remainder, at
|r| = ln 2 / 2, is below half a unit in the last place. tanh x = e / (e + 2) with e = exp(2 x) - 1, so that it keeps its digits
near 0. erfc and log1p are those of <math.h>, a call for each unit.
"""

from collections.abc import Iterable
from decimal import Decimal
from math import factorial, ldexp, log, pi, sqrt
from string import Template
from typing import NamedTuple

import numpy as np

from parity.contract.models import ELU_ALPHA, LEAKY_RELU_SLOPE

LN2 = Decimal("0.693147180559945309417232121458176568075500134360255")


class Real(NamedTuple):
    """A type of C, and how its numbers are made of bits."""

    name: str
    suffix: str
    """Of its literals, and of the functions in <math.h>."""
    word: str
    fraction: int
    """Bits of the fraction."""
    bias: int
    """Of the exponent."""
    short: int
    """Bits of the first part of ln 2: with those of the exponent no more than the fraction has."""
    degree: int
    """Of the polynomial."""
    limit: int
    """exp of a number up to this, and of its negative, is a normal number."""
    lanes: int
    """Numbers in 32 bytes."""


REALS = {
    "float64": Real("double", "", "uint64_t", 52, 1023, 40, 13, 708, 4),
    "float32": Real("float", "f", "uint32_t", 23, 127, 15, 7, 87, 8),
}

REDUCED = """\
/* exp(x) = scale + scale * fraction, scale a power of 2. */
static inline $real reduced($real x, $real *fraction)
{
    x = x > $limit ? $limit : x;
    x = x < -$limit ? -$limit : x;
    const $real shifted = x * $per_ln2 + $shift;
    const $real n = shifted - $shift;
    const $real r = (x - n * $ln2_high) - n * $ln2_low;
    $real p = $first;
$steps
    *fraction = r + r * r * p;
    $word bits;
    memcpy(&bits, &shifted, sizeof bits);
    bits = (bits + $bias) << $bits_of_fraction;
    $real scale;
    memcpy(&scale, &bits, sizeof scale);
    return scale;
}
"""

EXPM1 = """
/* exp(x) - 1, to a few units in the last place also near 0. */
static inline $real exponential_less_1($real x)
{
    $real fraction;
    const $real scale = reduced(x, &fraction);
    return scale * fraction + (scale - $one);
}
"""

EXP = """
static inline $real exponential($real x)
{
    $real fraction;
    const $real scale = reduced(x, &fraction);
    return scale + scale * fraction;
}
"""

SIGMOID = """
static inline $real sigmoid($real x)
{
    /* 0 at last: a large x times what is left of exp(-limit) would not be. */
    return x < -$limit ? $zero : $one / ($one + exponential(-x));
}
"""

ACTIVATION = """
static inline $real activation($real x)
{
$body
}
"""

# By activation: the functions that it calls, and its own body; comparisons are such that a NaN stays one.
BODIES: dict[str, tuple[str, str]] = {
    "identity": ("", "    return x;"),
    "relu": ("", "    return x < $zero ? $zero : x;"),
    "leaky_relu": ("", "    return x > $zero ? x : $slope * x;"),
    "elu": (
        REDUCED + EXPM1,
        "    const $real below = $alpha * exponential_less_1(x > $zero ? $zero : x);\n    return x > $zero ? x : below;",
    ),
    "tanh": (REDUCED + EXPM1, "    const $real e = exponential_less_1(x + x);\n    return e / (e + $two);"),
    "sigmoid": (REDUCED + EXP + SIGMOID, "    return sigmoid(x);"),
    "silu": (REDUCED + EXP + SIGMOID, "    return x * sigmoid(x);"),
    "gelu_tanh": (REDUCED + EXP + SIGMOID, "    return x * sigmoid($root * (x + $cubic * x * x * x));"),
    "softplus": (
        REDUCED + EXP,
        "    const $real tail = exponential(x > $zero ? -x : x);\n    return (x < $zero ? $zero : x) + log1p$suffix(tail);",
    ),
    "gelu": ("", "    return $half * x * erfc$suffix(x * $minus_root_half);"),
}

SLOPE = """
static inline $real slope($real x, $real y)
{
    (void)x, (void)y;
    return $slope_of_x_and_y;
}
"""

# By activation whose value calls no function of <math.h>: its slope, from x and from the value y there.
SLOPES: dict[str, str] = {
    "identity": "$one",
    "relu": "x > $zero ? $one : $zero",
    "leaky_relu": "x > $zero ? $one : $slope",
    "elu": "x > $zero ? $one : y + $alpha",
    "tanh": "($one - y) * ($one + y)",
    "sigmoid": "y * ($one - y)",
    "silu": "sigmoid(x) + y * ($one - sigmoid(x))",
    "gelu_tanh": "sigmoid($root * (x + $cubic * x * x * x))\n"
    "        + y * ($one - sigmoid($root * (x + $cubic * x * x * x))) * $root * ($one + $three_cubic * x * x)",
}


def functions(activation: str, dtype: str) -> str:
    """The function `activation` in C, behind those that it calls."""
    calls, body = BODIES[activation]
    return _substituted(calls + ACTIVATION.replace("$body", body), dtype)


def slope_function(activation: str, dtype: str) -> str:
    """The function `slope` in C, to stand behind `functions`; of an activation in SLOPES."""
    return _substituted(SLOPE.replace("$slope_of_x_and_y", SLOPES[activation]), dtype)


def _substituted(text: str, dtype: str) -> str:
    real = REALS[dtype]
    *others, first = [1 / factorial(k) for k in range(2, real.degree + 1)]
    high = ldexp(round(ldexp(log(2), real.short)), -real.short)
    numbers = {
        "first": first,
        "ln2_high": high,
        "ln2_low": float(LN2 - Decimal(high)),
        "per_ln2": 1 / log(2),
        "shift": 1.5 * 2.0**real.fraction,
        "limit": real.limit,
        "zero": 0.0,
        "half": 0.5,
        "one": 1.0,
        "two": 2.0,
        "slope": LEAKY_RELU_SLOPE,
        "alpha": ELU_ALPHA,
        "root": 2 * sqrt(2 / pi),
        "cubic": 0.044715,
        "three_cubic": 3 * 0.044715,
        "minus_root_half": -sqrt(0.5),
    }
    words = {name: literal(value, dtype) for name, value in numbers.items()}
    words["steps"] = "\n".join(f"    p = p * r + {literal(value, dtype)};" for value in reversed(others))
    words |= {"real": real.name, "suffix": real.suffix, "word": real.word, "bias": f"{real.bias}u"}
    words["bits_of_fraction"] = str(real.fraction)
    return Template(text).substitute(words)


def literal(value: float, dtype: str) -> str:
    """A number as C's hexadecimal literal, which is exact."""
    return float(np.dtype(dtype).type(value)).hex() + REALS[dtype].suffix


def literals(values: Iterable[float], dtype: str) -> str:
    """A row of an array."""
    return "{" + ", ".join(literal(value, dtype) for value in values) + "}"
