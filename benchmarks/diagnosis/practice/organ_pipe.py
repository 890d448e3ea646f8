"""Pitch and loudness of an organ pipe from its dimensions and wind pressure."""

import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx


def pipes(n, rng):
    length = rng.uniform(0.3, 2.4, n)
    diameter = rng.uniform(0.02, 0.12, n)
    wind = rng.uniform(40, 120, n)
    temp = rng.uniform(5, 30, n)
    stopped = rng.integers(0, 2, n)
    c = 331.3 * np.sqrt(1 + temp / 273.15)
    freq = c / ((2 + 2 * stopped) * (length + 0.6 * diameter * (1 + 0.5 * (1 - stopped))))
    level = 60 + 12 * np.log10(wind / 60) + 40 * (diameter - 0.05) + 3 * np.sin(np.log2(freq) * 2)
    x = np.column_stack([length, diameter, wind, temp, stopped])
    return x, np.column_stack([np.log2(freq / 440) + rng.normal(0, 0.01, n), level + rng.normal(0, 0.5, n)])


class PipeNet(nnx.Module):
    def __init__(self, width, rngs):
        self.inp = nnx.Linear(5, width, rngs=rngs)
        self.mid = nnx.Linear(width, width, rngs=rngs)
        self.drop = nnx.Dropout(0.02, rngs=rngs)
        self.out = nnx.Linear(width, 2, rngs=rngs)

    def __call__(self, x):
        x = nnx.gelu(self.inp(x))
        return self.out(self.drop(nnx.gelu(self.mid(x))))


def sum_of_squares(model, x, y):
    return jnp.sum((model(x) - y) ** 2)


@nnx.jit
def step(model, optimizer, x, y):
    loss, grads = nnx.value_and_grad(sum_of_squares)(model, x, y)
    optimizer.update(model, grads)
    return loss


def main():
    rng = np.random.default_rng(50)
    x, y = pipes(2000, rng)
    n = 1600
    x = (x - x[:n].mean(0)) / x[:n].std(0)
    mu, sd = y[:n].mean(0), y[:n].std(0)
    z = (y - mu) / sd
    model = PipeNet(48, nnx.Rngs(params=0, dropout=1))
    rate = optax.cosine_decay_schedule(4e-4, 60 * 40)
    optimizer = nnx.Optimizer(model, optax.sgd(rate, momentum=0.9), wrt=nnx.Param)
    model.train()
    for epoch in range(60):
        order = rng.permutation(n)
        total = sum(step(model, optimizer, x[i], z[i]) for i in order.reshape(-1, 40))
        if epoch % 15 == 0:
            print(f"epoch {epoch:2d}  squared error per pipe {total / n:.4f}")
    model.eval()
    pred = np.asarray(model(x[n:])) * sd + mu
    err = np.sqrt(np.mean((pred - y[n:]) ** 2, axis=0))
    print(f"RMSE pitch {1200 * err[0]:.1f} cent, level {err[1]:.2f} dB")


if __name__ == "__main__":
    main()
