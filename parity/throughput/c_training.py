"""A whole training of a small MLP as one function in C: the rows of a batch gathered, forward, backward and update.

Arrays lie units x rows, so that a compiler puts neighbouring rows into one instruction; every size is a constant. A batch
goes through in blocks of rows, the last filled up with rows whose error is set to zero. What is the same for every parameter
in a step (the schedule, bias corrections) is computed in float64 outside and handed in, as the twins do it.
"""

from itertools import pairwise
from string import Template

from parity.c_functions import REALS, SLOPES, functions, literal, slope_function
from parity.contract import MLP, SGD, Adam, AdamW, TrainingConfig

BLOCK = 32
"""Rows of a block, at most."""
Updated = SGD | Adam | AdamW
"""The optimizers that are written out."""

PROGRAM = """\
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { rows_of_batch = $batch, block = $block, parameters = $parameters };
static $real gradient[parameters];
$arrays
$activation
/* Train so many steps: `state` is the parameters and behind them the optimizer's slots, `scalars` what the update is told. */
void train(const $real *inputs, const $real *targets, const int32_t *rows, const $real *scalars, size_t steps,
           $real *restrict state, $real *restrict losses)
{
    for (size_t step = 0; step < steps; step++, rows += rows_of_batch, scalars += $scalars_a_step) {
        $real loss = 0;
        memset(gradient, 0, sizeof gradient);
        for (int first = 0; first < rows_of_batch; first += block) {
            const int live = rows_of_batch - first < block ? rows_of_batch - first : block;
            for (int row = 0; row < block; row++) {
                const size_t from = rows[first + (row < live ? row : 0)];
                for (int i = 0; i < $inputs; i++)
                    x_0[i][row] = inputs[from * $inputs + i];
                for (int i = 0; i < $outputs; i++)
                    target[i][row] = targets[from * $outputs + i];
            }
$forward
$error
$backward
        }
        losses[step] = loss * $share;
$clipping
$update
    }
}
"""

FORWARD = """\
            for (int out = 0; out < $units; out++) {
                $real sum[block];
                for (int row = 0; row < block; row++)
                    sum[row] = state[$bias + out];
                for (int in = 0; in < $below; in++)
                    for (int row = 0; row < block; row++)
                        sum[row] += state[$kernel + in * $units + out] * x_$i[in][row];
                for (int row = 0; row < block; row++)
$keep
            }
"""
KEEP = "                    x_$next[out][row] = sum[row];"
KEEP_HIDDEN = """\
                {
                    x_$next[out][row] = activation(sum[row]);
                    slope_$next[out][row] = slope(sum[row], x_$next[out][row]);
                }"""

ERROR = """\
            for (int out = 0; out < $outputs; out++)
                _Pragma("omp simd reduction(+:loss)")
                for (int row = 0; row < block; row++) {
                    const $real error = row < live ? x_$last[out][row] - target[out][row] : 0;
                    $loss
                }
"""
LOSSES = {
    "mse": """\
loss += error * error;
                    back_$last[out][row] = 2 * $share * error;""",
    "mae": """\
loss += error < 0 ? -error : error;
                    back_$last[out][row] = error > 0 ? $share : error < 0 ? -$share : 0;""",
    "huber": """\
const $real low = error < -$delta ? -$delta : error, clipped = low > $delta ? $delta : low;
                    loss += clipped * (error - $half * clipped);
                    back_$last[out][row] = $share * clipped;""",
}

BACKWARD = """\
            for (int out = 0; out < $units; out++) {
                $real sum = 0;
                _Pragma("omp simd reduction(+:sum)")
                for (int row = 0; row < block; row++)
                    sum += back_$next[out][row];
                gradient[$bias + out] += sum;
            }
            for (int in = 0; in < $below; in++)
                for (int out = 0; out < $units; out++) {
                    $real sum = 0;
                    _Pragma("omp simd reduction(+:sum)")
                    for (int row = 0; row < block; row++)
                        sum += x_$i[in][row] * back_$next[out][row];
                    gradient[$kernel + in * $units + out] += sum;
                }
"""
BACK_TO_INPUT = """\
            for (int in = 0; in < $below; in++) {
                $real sum[block];
                for (int row = 0; row < block; row++)
                    sum[row] = 0;
                for (int out = 0; out < $units; out++)
                    for (int row = 0; row < block; row++)
                        sum[row] += state[$kernel + in * $units + out] * back_$next[out][row];
                for (int row = 0; row < block; row++)
                    back_$i[in][row] = sum[row] * slope_$i[in][row];
            }
"""

CLIPPING = """\
        $real squares = 0;
        _Pragma("omp simd reduction(+:squares)")
        for (int i = 0; i < parameters; i++)
            squares += gradient[i] * gradient[i];
        const $real ratio = $clip_norm / (sqrt$suffix(squares) + $clip_eps);
        for (int i = 0; i < parameters; i++)
            gradient[i] *= ratio < 1 ? ratio : 1;
"""

UPDATE = """\
        $real *restrict p = state;
$slots
        for (int i = 0; i < parameters; i++) {
            $real g = gradient[i];
$body
        }
"""
ADAM = """\
            first[i] = $b1 * first[i] + $less_b1 * g;
            second[i] = $b2 * second[i] + $less_b2 * g * g;
            p[i] = $decayed - scalars[0] * first[i] / (sqrt$suffix(second[i] * scalars[1]) + $eps);"""


def why_not(config: TrainingConfig) -> str:
    """Why there is no such function for a config; empty where there is."""
    if not isinstance(config.model, MLP):
        return f"no C loop is made for {type(config.model).__name__}; it is for MLP"
    if config.model.hidden and config.model.activation not in SLOPES:
        return f"no C loop is made for {config.model.activation}, which calls a function for each unit and row"
    if config.loss.kind not in LOSSES:
        return f"no C loop is made for the loss {config.loss.kind}; it is for {', '.join(LOSSES)}"
    if not isinstance(config.optimizer, Updated):
        return f"no C loop is made for {type(config.optimizer).__name__}; it is for SGD, Adam, AdamW"
    return ""


def source(config: TrainingConfig, batch_size: int, dtype: str) -> str:
    """The text of the program for batches of so many rows; `why_not` must have nothing against the config."""
    words = _numbers(config, batch_size, dtype)
    layers = _layers(config)
    last = len(layers) - 1
    forward = [
        Template(FORWARD.replace("$keep", KEEP if layer["i"] == str(last) else KEEP_HIDDEN)).substitute(words | layer)
        for layer in layers
    ]
    backward = [
        Template(BACKWARD + (BACK_TO_INPUT if layer["i"] != "0" else "")).substitute(words | layer)
        for layer in reversed(layers)
    ]
    error = ERROR.replace("$loss", LOSSES[config.loss.kind])
    update = UPDATE.replace("$slots", _slots(updated(config))).replace("$body", _update(updated(config)))
    activation = config.model.activation if last else "identity"
    parts = {
        "arrays": _arrays(config, words["real"]),
        "activation": functions(activation, dtype) + slope_function(activation, dtype),
        "forward": "".join(forward),
        "error": Template(error).substitute(words),
        "backward": "".join(backward),
        "clipping": Template(CLIPPING if config.clip_norm is not None else "").substitute(words),
        "update": Template(update).substitute(words),
    }
    return Template(PROGRAM).substitute(words | parts)


def updated(config: TrainingConfig) -> Updated:
    """The optimizer of a config that `why_not` has nothing against."""
    assert isinstance(config.optimizer, Updated)
    return config.optimizer


def scalars_a_step(optimizer: Updated) -> int:
    """How many numbers the update is told in each step."""
    return {SGD: 1, Adam: 2, AdamW: 3}[type(optimizer)]


def _slots(optimizer: Updated) -> str:
    return "\n".join(
        f"        $real *restrict {name} = state + {i} * parameters;"
        for i, name in enumerate(("first", "second")[: len(optimizer.slots)], start=1)
    )


def _update(optimizer: Updated) -> str:
    match optimizer:
        case Adam():
            return ADAM.replace("$decayed", "p[i]")
        case AdamW():
            return ADAM.replace("$decayed", "p[i] * scalars[2]")
        case SGD():
            lines = ["g += $weight_decay * p[i];"] if optimizer.weight_decay else []
            if optimizer.momentum:
                lines.append("first[i] = $momentum * first[i] + g;")
                lines.append("g += $momentum * first[i];" if optimizer.nesterov else "g = first[i];")
            lines.append("p[i] -= scalars[0] * g;")
            return "\n".join(f"            {line}" for line in lines)


def _numbers(config: TrainingConfig, batch_size: int, dtype: str) -> dict[str, str]:
    """All constants of a program as C spells them."""
    real = REALS[dtype]
    constants = {name: value for name, value in vars(config.optimizer).items() if isinstance(value, float)}
    constants |= {f"less_{name}": 1 - constants[name] for name in ("b1", "b2") if name in constants}
    constants |= {
        "share": 1.0 if config.loss.reduction == "sum" else 1 / (batch_size * config.outputs),
        "delta": config.loss.huber_delta,
        "half": 0.5,
        "clip_norm": config.clip_norm or 0.0,
        "clip_eps": 1e-6,
    }
    sizes = {
        "batch": batch_size,
        "block": min(BLOCK, -(-batch_size // real.lanes) * real.lanes),
        "parameters": config.size,
        "inputs": config.inputs,
        "outputs": config.outputs,
        "last": len(config.model.hidden) + 1,
        "scalars_a_step": scalars_a_step(updated(config)),
    }
    words = {name: literal(value, dtype) for name, value in constants.items()}
    return words | {name: str(value) for name, value in sizes.items()} | {"real": real.name, "suffix": real.suffix}


def _layers(config: TrainingConfig) -> list[dict[str, str]]:
    """Of each layer its number and that of the next, its sizes, and where kernel and bias begin among the parameters."""
    layers, begin = [], 0
    for i, (below, units) in enumerate(pairwise((config.inputs, *config.model.hidden, config.outputs))):
        numbers = {
            "i": i,
            "next": i + 1,
            "below": below,
            "units": units,
            "kernel": begin,
            "bias": begin + below * units,
        }
        layers.append({name: str(value) for name, value in numbers.items()})
        begin += below * units + units
    return layers


def _arrays(config: TrainingConfig, real: str) -> str:
    """What a block of rows leaves behind on its way: values, slopes, and the gradient by each unit."""
    hidden = dict(enumerate(config.model.hidden, start=1))
    last = len(hidden) + 1
    units = {0: config.inputs, **hidden, last: config.outputs}
    sizes = {
        **{f"x_{i}": width for i, width in units.items()},
        **{f"slope_{i}": width for i, width in hidden.items()},
        **{f"back_{i}": width for i, width in units.items() if i},
        "target": config.outputs,
    }
    return "\n".join(f"static _Alignas(64) {real} {name}[{width}][block];" for name, width in sizes.items())
