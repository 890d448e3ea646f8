"""A training step in single numbers that count what is done with them: `parity.throughput.work` is held against it."""

import math
from itertools import pairwise

from parity.contract import MLP, SGD, Adadelta, Adagrad, Adam, Adamax, AdamW, Lion, NAdam, RAdam, RMSprop
from parity.contract.models import ELU_ALPHA, LEAKY_RELU_SLOPE


class Number:
    """A float that counts what is done with it."""

    done = 0

    def __init__(self, value):
        self.value = float(value)

    def __repr__(self):
        return f"Number({self.value})"


def of(value):
    """The float behind a number."""
    return value.value if isinstance(value, Number) else value


def _counted(function):
    def operation(*values):
        Number.done += 1
        return Number(function(*map(of, values)))

    return operation


add, sub, mul, div = (
    _counted(f) for f in (lambda a, b: a + b, lambda a, b: a - b, lambda a, b: a * b, lambda a, b: a / b)
)
neg, size, sign = _counted(lambda a: -a), _counted(abs), _counted(lambda a: (a > 0) - (a < 0))
least, most, above = _counted(min), _counted(max), _counted(lambda a, b: a > b)
exp, tanh, log, log1p, erfc, root = (
    _counted(f) for f in (math.exp, math.tanh, math.log, math.log1p, math.erfc, math.sqrt)
)
Number.__add__, Number.__radd__ = add, lambda a, b: add(b, a)
Number.__sub__, Number.__rsub__ = sub, lambda a, b: sub(b, a)
Number.__mul__, Number.__rmul__ = mul, lambda a, b: mul(b, a)
Number.__truediv__, Number.__rtruediv__ = div, lambda a, b: div(b, a)
Number.__neg__, Number.__abs__ = neg, size


class Count:
    """How many operations a block does."""

    def __enter__(self):
        self._before = Number.done
        return self

    def __exit__(self, *_):
        self.operations = Number.done - self._before


def sigmoid(x):
    return 1 / (1 + exp(-x))


def activation(name, x):
    """The value, and a function of nothing that gives the slope there."""
    if name == "identity":
        return x, None
    if name == "relu":
        return most(x, 0.0), lambda: above(x, 0.0)
    if name == "leaky_relu":
        slope = Number(1.0 if of(above(x, 0.0)) else LEAKY_RELU_SLOPE)
        return slope * x, lambda: slope
    if name == "elu":
        positive, below = of(above(x, 0.0)), ELU_ALPHA * (exp(Number(min(of(x), 0.0))) - 1.0)
        value = x if positive else below

        def slope():
            above(x, 0.0)
            lower = below + ELU_ALPHA
            return Number(1.0) if positive else lower

        return value, slope
    if name == "tanh":
        y = tanh(x)
        return y, lambda: 1.0 - y * y
    if name == "sigmoid":
        y = sigmoid(x)
        return y, lambda: y * (1.0 - y)
    if name == "softplus":
        return most(x, 0.0) + log1p(exp(-abs(x))), lambda: sigmoid(x)
    if name == "silu":
        s = sigmoid(x)
        y = x * s
        return y, lambda: s + y * (1.0 - s)
    if name == "gelu":
        distribution = 0.5 * erfc(x * -math.sqrt(0.5))
        return x * distribution, lambda: distribution + x * (exp(x * x * -0.5) * (1 / math.sqrt(2 * math.pi)))
    factor = 2 * math.sqrt(2 / math.pi)
    square = x * x
    s = sigmoid(x * (factor + factor * 0.044715 * square))
    y = x * s
    return y, lambda: s + y * (1.0 - s) * (factor + 3 * factor * 0.044715 * square)


def loss(config, predictions, targets):
    """The sum over all elements, and the gradient of the loss as it is reduced."""
    rows = len(predictions)
    elements = rows if config.loss.kind == "cross_entropy" else rows * config.outputs
    share = 1.0 if config.loss.reduction == "sum" else 1.0 / elements
    total, gradient = Number(0.0), []
    for p, t in zip(predictions, targets, strict=True):
        terms, slopes = (
            cross_entropy(p, t, share) if config.loss.kind == "cross_entropy" else apart(config, p, t, share)
        )
        for term in terms:
            total = total + term
        gradient.append(slopes)
    return total, gradient


def apart(config, p, t, share):
    """Terms and slopes of a row whose elements know nothing of each other."""
    return zip(*(element(config.loss, one - other, share) for one, other in zip(p, t, strict=True)), strict=True)


def element(loss, error, share):
    if loss.kind == "mse":
        return error * error, error * (2 * share)
    if loss.kind == "mae":
        return abs(error), sign(error) * share
    if loss.kind == "huber":
        clipped = least(most(error, -loss.huber_delta), loss.huber_delta)
        return clipped * (error - 0.5 * clipped), clipped * share
    distance = abs(error)
    return log1p(exp(distance * -2.0)) + distance - math.log(2), tanh(error) * share


def cross_entropy(p, t, share):
    largest, total, weight = Number(-math.inf), Number(0.0), Number(0.0)
    for one in p:
        largest = most(largest, one)
    shifted = [one - largest for one in p]
    powers = [exp(one) for one in shifted]
    for power, of_target in zip(powers, t, strict=True):
        total, weight = total + power, weight + of_target
    scale = log(total)
    terms = [(scale - one) * other for one, other in zip(shifted, t, strict=True)]
    return terms, [(power / total * weight - other) * share for power, other in zip(powers, t, strict=True)]


def total(numbers, begin=None):
    """A sum that begins at a bias, or at zero."""
    result = Number(0.0) if begin is None else begin
    for number in numbers:
        result = result + number
    return result


def forward(config, parameters, inputs, masks):
    """(B, K) predictions, and for each layer what the way back needs."""
    x, tape = inputs, []
    for i, (below, units) in enumerate(pairwise((config.inputs, *config.model.hidden, config.outputs))):
        kernel, bias = parameters[f"layers.{i}.kernel"], parameters.get(f"layers.{i}.bias")
        z = [
            [total((row[j] * kernel[j][o] for j in range(below)), bias and bias[o]) for o in range(units)] for row in x
        ]
        note = {"x": x, "kernel": kernel, "bias": bias}
        tape.append(note)
        if i == len(config.model.hidden):
            return z, tape
        if not isinstance(config.model, MLP):
            z, note["norm"] = normalised(z, parameters[f"norms.{i}.scale"], parameters[f"norms.{i}.bias"], config.model)
        pairs = [[activation(config.model.activation, one) for one in row] for row in z]
        x = [[value for value, _ in row] for row in pairs]
        note["slopes"] = [[slope for _, slope in row] for row in pairs]
        if masks:
            note["mask"] = [
                [float(kept) / config.model.keep_probability() for kept in row] for row in masks[f"dropouts.{i}"]
            ]
            x = [[one * kept for one, kept in zip(*rows, strict=True)] for rows in zip(x, note["mask"], strict=True)]
    raise AssertionError


def normalised(z, scale, bias, model):
    """Batch normalisation, column by column; the running statistics are moved from 0 and 1."""
    rows, columns, notes = len(z), [], []
    for column, wide, offset in zip(zip(*z, strict=True), scale, bias, strict=True):
        mean = total(column) * (1 / rows)
        apart = [one - mean for one in column]
        variance = total(one * one for one in apart) * (1 / rows)
        inverse = 1.0 / root(variance + model.epsilon)
        normal = [one * inverse for one in apart]
        for running, newest in ((Number(0.0), mean), (Number(1.0), variance)):
            _ = running * (1 - model.momentum) + newest * model.momentum
        columns.append([one * wide + offset for one in normal])
        notes.append((normal, inverse, wide))
    return [list(row) for row in zip(*columns, strict=True)], notes


def backward(config, tape, gradient):
    """The gradient by parameter name, as nested lists."""
    gradients = {}
    for i, note in reversed(list(enumerate(tape))):
        if "slopes" in note:
            gradient = through_units(gradient, note, gradients, f"norms.{i}")
        columns = list(zip(*gradient, strict=True))
        inputs = list(zip(*note["x"], strict=True))
        gradients[f"layers.{i}.kernel"] = [
            [total(a * b for a, b in zip(one, other, strict=True)) for other in columns] for one in inputs
        ]
        if note["bias"] is not None:
            gradients[f"layers.{i}.bias"] = [total(column) for column in columns]
        if i:
            gradient = [
                [total(k * g for k, g in zip(weights, row, strict=True)) for weights in note["kernel"]]
                for row in gradient
            ]
    return gradients


def through_units(gradient, note, gradients, name):
    """From what leaves a hidden layer to what enters its activation, and its normalisation."""
    if "mask" in note:
        gradient = [
            [g * kept for g, kept in zip(*rows, strict=True)] for rows in zip(gradient, note["mask"], strict=True)
        ]
    gradient = [
        [g if slope is None else g * slope() for g, slope in zip(*rows, strict=True)]
        for rows in zip(gradient, note["slopes"], strict=True)
    ]
    if "norm" not in note:
        return gradient
    columns, scales, biases = [], [], []
    for column, (normal, inverse, wide) in zip(zip(*gradient, strict=True), note["norm"], strict=True):
        by_scale = total(g * one for g, one in zip(column, normal, strict=True))
        by_bias = total(column)
        mean, share, factor = by_bias * (1 / len(column)), by_scale * (1 / len(column)), wide * inverse
        columns.append([(g - mean - one * share) * factor for g, one in zip(column, normal, strict=True)])
        scales.append(by_scale)
        biases.append(by_bias)
    gradients[f"{name}.scale"], gradients[f"{name}.bias"] = scales, biases
    return [list(row) for row in zip(*columns, strict=True)]


def mean(decay, old, new):
    """A decaying mean."""
    return decay * old + (1 - decay) * new


def update(c, lr, t, p, g, slots):
    """A parameter behind step t, from numbers; what is the same for every parameter is a float."""
    match c:
        case SGD():
            g = g + c.weight_decay * p if c.weight_decay else g
            v = c.momentum * slots[0] + g if c.momentum else g
            return p - lr * (g + c.momentum * v if c.nesterov else v)
        case Adam() | AdamW():
            m, v = mean(c.b1, slots[0], g), _mean_square(c.b2, slots[1], g)
            decayed = p * (1 - lr * c.weight_decay) if isinstance(c, AdamW) and c.weight_decay else p
            return decayed - lr / (1 - c.b1**t) * m / (root(v * (1 / (1 - c.b2**t))) + c.eps)
        case RMSprop():
            step = g / (root(_mean_square(c.decay, slots[0], g)) + c.eps)
            return p - lr * (c.momentum * slots[1] + step if c.momentum else step)
        case Adagrad():
            return p - lr * g / (root(slots[0] + g * g) + c.eps)
        case NAdam():
            m, v = mean(c.b1, slots[0], g), _mean_square(c.b2, slots[1], g)
            mu = [c.b1 * (1 - 0.96 ** (s * c.momentum_decay) / 2) for s in range(1, t + 2)]
            of_g, of_m = (1 - mu[-2]) / (1 - math.prod(mu[:-1])), mu[-1] / (1 - math.prod(mu))
            return p - (lr * of_g * g + lr * of_m * m) / (root(v * (1 / (1 - c.b2**t))) + c.eps)
        case RAdam():
            m, v = mean(c.b1, slots[0], g), _mean_square(c.b2, slots[1], g)
            rho = 2 / (1 - c.b2) - 1
            now = rho - 2 * t * c.b2**t / (1 - c.b2**t)
            r = math.sqrt((now - 4) * (now - 2) * rho / ((rho - 4) * (rho - 2) * now))
            return p - lr / (1 - c.b1**t) * math.sqrt(1 - c.b2**t) * r * m / (root(v) + c.eps)
        case Adamax():
            return p - lr / (1 - c.b1**t) * mean(c.b1, slots[0], g) / most(c.b2 * slots[1], abs(g) + c.eps)
        case Adadelta():
            step = root(slots[1] + c.eps) / root(_mean_square(c.decay, slots[0], g) + c.eps) * g
            _mean_square(c.decay, slots[1], step)
            return p - lr * step
        case Lion():
            direction = lr * sign(mean(c.b1, slots[0], g))
            mean(c.b2, slots[0], g)
            return (p * (1 - lr * c.weight_decay) if c.weight_decay else p) - direction


def _mean_square(decay, old, new):
    return decay * old + (1 - decay) * new * new


def clipped(gradients, clip_norm):
    """All gradients scaled by one factor; what is computed once is left out of the count."""
    norm = math.sqrt(of(total(g * g for g in gradients)))
    return [g * min(1.0, clip_norm / (norm + 1e-6)) for g in gradients]


def solution(jacobian, residuals, share, damping):
    """d of (c J'J + mu I) d = c J'r, by the lower half of the matrix and its Cholesky factor."""
    n = range(len(jacobian[0]))
    columns = list(zip(*jacobian, strict=True))
    lower = [
        [share * total(a * b for a, b in zip(columns[i], columns[j], strict=True)) for j in range(i + 1)] for i in n
    ]
    g = [share * total(a * b for a, b in zip(columns[i], residuals, strict=True)) for i in n]
    for j in n:
        lower[j][j] = lower[j][j] + damping
    for j in n:
        for k in range(j):
            lower[j][j] = lower[j][j] - lower[j][k] * lower[j][k]
        lower[j][j] = root(lower[j][j])
        for i in n[j + 1 :]:
            for k in range(j):
                lower[i][j] = lower[i][j] - lower[i][k] * lower[j][k]
            lower[i][j] = lower[i][j] / lower[j][j]
    d = list(g)
    for i in n:
        for k in range(i):
            d[i] = d[i] - lower[i][k] * d[k]
        d[i] = d[i] / lower[i][i]
    for i in reversed(n):
        for k in n[i + 1 :]:
            d[i] = d[i] - lower[k][i] * d[k]
        d[i] = d[i] / lower[i][i]
    return d
