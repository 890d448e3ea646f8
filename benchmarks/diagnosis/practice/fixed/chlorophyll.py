"""Chlorophyll from reflectances in eight bands (stored as integers, 0 to 10000)."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx

SCALE = 10000


def scenes(n, rng):
    chl = rng.uniform(-1.5, 1.5, n)  # log10 mg/m3
    sediment = rng.uniform(0, 1, n)
    wave = np.linspace(-1, 1, 8)
    bands = 0.25 + 0.12 * np.tanh(chl[:, None] * wave + sediment[:, None] * np.cos(3 * wave))
    bands = bands + 0.05 * sediment[:, None] * wave**2 + rng.normal(0, 0.002, (n, 8))
    return (bands * SCALE).astype(np.int32), chl.astype(np.float32)


def prepare(counts):
    reflectance = counts / SCALE
    return jnp.asarray(reflectance, dtype=jnp.float32) * 8 - 2


class Retrieval(nnx.Module):
    def __init__(self, rngs):
        self.fc1 = nnx.Linear(8, 32, rngs=rngs)
        self.fc2 = nnx.Linear(32, 12, rngs=rngs)
        self.fc3 = nnx.Linear(12, 1, rngs=rngs)
        self.drop = nnx.Dropout(0.5, rngs=rngs)

    def __call__(self, x):
        x = self.drop(nnx.silu(self.fc1(x)))
        x = self.drop(nnx.silu(self.fc2(x)))
        return self.fc3(x).squeeze(-1)


@nnx.jit
def train_step(model, optimizer, x, y):
    loss, grads = nnx.value_and_grad(lambda m: jnp.mean((m(x) - y) ** 2))(model)
    optimizer.update(model, grads)
    return loss


@nnx.jit
def score(model, x, y):
    return 1 - jnp.sum((y - model(x)) ** 2) / jnp.sum((y - y.mean()) ** 2)


rng = np.random.default_rng(25)
counts, chl = scenes(1200, rng)
x, y = prepare(counts), jnp.asarray(chl)
x_fit, y_fit, x_held, y_held = x[:900], y[:900], x[900:], y[900:]

model = Retrieval(nnx.Rngs(25, dropout=26))
optimizer = nnx.Optimizer(model, optax.adam(4e-3), wrt=nnx.Param)
key = jax.random.key(25)
for epoch in range(45):
    key, sub = jax.random.split(key)
    for rows in jax.random.permutation(sub, 900).reshape(9, 100):
        loss = train_step(model, optimizer, x_fit[rows], y_fit[rows])
    if epoch % 9 == 0:
        print(f"epoch {epoch:3d} loss {loss:.4f}")

model.eval()
print(f"held-out R2 {score(model, x_held, y_held):.3f}")
