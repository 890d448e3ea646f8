"""Predict the next tide level from the last 24 hourly readings."""

import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx
from sklearn.metrics import r2_score

WINDOW = 24


def tide_series(hours, rng):
    t = np.arange(hours)
    level = 1.1 * np.cos(2 * np.pi * t / 12.42) + 0.4 * np.cos(2 * np.pi * t / 12.0 + 0.7)
    level += 0.25 * np.cos(2 * np.pi * t / 25.82 + 1.9) + 0.15 * np.cos(2 * np.pi * t / 23.93 + 0.3)
    return level + rng.normal(0, 0.08, hours)


def make_windows(series, width):
    inputs, targets = [], []
    for i in range(len(series) - width):
        inputs.append(series[i : i + width])
        targets.append(series[i + width])
    return np.array(inputs, dtype=np.float32), np.array(targets, dtype=np.float32)[:, None]


class Forecaster(nnx.Module):
    def __init__(self, width, hidden, rngs):
        self.layers = nnx.Sequential(
            nnx.Linear(width, hidden, rngs=rngs),
            nnx.tanh,
            nnx.Linear(hidden, 1, rngs=rngs),
        )

    def __call__(self, x):
        return self.layers(x)


@nnx.jit
def train_step(model, optimizer, x, y):
    def loss_fn(model):
        return optax.squared_error(model(x), y).mean()

    loss, grads = nnx.value_and_grad(loss_fn)(model)
    optimizer.update(model, grads)
    return loss


def main():
    rng = np.random.default_rng(6)
    series = tide_series(24 * 60, rng)
    x, y = make_windows(series, WINDOW)
    split = int(0.8 * len(x))
    model = Forecaster(WINDOW, 32, nnx.Rngs(6))
    optimizer = nnx.Optimizer(model, optax.adamw(2e-3), wrt=nnx.Param)

    for epoch in range(30):
        order = rng.permutation(split)
        total, count = 0.0, 0
        for i in range(0, split - 31, 32):
            idx = order[i : i + 32]
            total += float(train_step(model, optimizer, jnp.asarray(x[idx]), jnp.asarray(y[idx])))
            count += 1
        if epoch % 5 == 0:
            print(f"epoch {epoch:2d} mse {total / count:.4f}")

    forecast = np.asarray(model(jnp.asarray(x[split:])))
    print(f"R2 of the forecast: {r2_score(y[split:], forecast):.3f}")


if __name__ == "__main__":
    main()
