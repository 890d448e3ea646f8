"""Filament diameter and tenacity in melt spinning; plain JAX-style training of an NNX model."""

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

rng = np.random.default_rng(14)
N = 1100
through = rng.uniform(0.5, 3.0, N)  # g/min per hole
speed = rng.uniform(800, 5000, N)  # m/min
temp = rng.uniform(270, 305, N)
quench = rng.uniform(0.2, 1.2, N)
iv = rng.uniform(0.58, 0.72, N)
diam = np.sqrt(4 * through / (np.pi * speed * 1.36)) * 1000
stress = (speed / 2500) ** 2 * np.exp((285 - temp) / 15) * (iv / 0.65) ** 5
tenac = 4.5 * stress / (1 + stress) * (1 - 1.5 * (quench - 0.7) ** 2)
X = np.stack([through, speed, temp, quench, iv], 1)
Y = np.stack([diam, tenac], 1)
X = ((X - X.mean(0)) / X.std(0)).astype(np.float32)
Y = ((Y - Y[:850].mean(0)) / Y[:850].std(0)).astype(np.float32)

WARMUP = 200
TOTAL = 1500
PEAK = 0.1
rate = 1e-6


class Spinline(nnx.Module):
    def __init__(self, rngs):
        self.first = nnx.Linear(5, 64, rngs=rngs)
        self.second = nnx.Linear(64, 64, rngs=rngs)
        self.final = nnx.Linear(64, 2, rngs=rngs)

    def __call__(self, x):
        h = self.first(x)
        h = self.second(h)
        return self.final(h)


graph, params = nnx.split(Spinline(nnx.Rngs(14)))


def loss_fn(p, x, y):
    return jnp.mean(jnp.square(nnx.merge(graph, p)(x) - y))


@jax.jit
def sgd(p, v, x, y):
    loss, g = jax.value_and_grad(loss_fn)(p, x, y)
    v = jax.tree.map(lambda a, b: 0.9 * a + b, v, g)
    p = jax.tree.map(lambda a, b: a - rate * b, p, v)
    return p, v, loss


velocity = jax.tree.map(jnp.zeros_like, params)
for i in range(TOTAL):
    decay = 0.5 * (1 + np.cos(np.pi * (i - WARMUP) / (TOTAL - WARMUP)))
    rate = max(1e-6, PEAK * i / WARMUP) if i < WARMUP else PEAK * decay
    pick = rng.integers(0, 850, 128)
    params, velocity, loss = sgd(params, velocity, X[pick], Y[pick])
    if i % 300 == 0:
        print(f"step {i:5d} rate {rate:.4f} loss {float(loss):.4f}")

pred = np.asarray(nnx.merge(graph, params)(X[850:]))
r2 = 1 - np.sum((pred - Y[850:]) ** 2, 0) / np.sum((Y[850:] - Y[850:].mean(0)) ** 2, 0)
print("R2 diameter, tenacity:", r2.round(3), "mean", r2.mean().round(3))
