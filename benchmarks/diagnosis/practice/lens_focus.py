"""Focal length of a thick lens from its geometry (lensmaker's equation), Flax NNX."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx


def lens_table(n, rng):
    index = rng.uniform(1.45, 1.9, n)
    r1 = rng.uniform(30, 120, n)
    r2 = -rng.uniform(30, 120, n)
    d = rng.uniform(2, 15, n)
    power = (index - 1) * (1 / r1 - 1 / r2 + (index - 1) * d / (index * r1 * r2))
    return np.stack([index, r1, r2, d], axis=1), 1 / power


class LensNet(nnx.Module):
    def __init__(self, width, rngs):
        self.a = nnx.Linear(4, width, rngs=rngs)
        self.b = nnx.Linear(width, width, rngs=rngs)
        self.c = nnx.Linear(width, 1, rngs=rngs)

    def __call__(self, x):
        x = nnx.gelu(self.a(x))
        x = nnx.gelu(self.b(x))
        return self.c(x)


def mse(model, x, y):
    return jnp.mean((model(x) - y) ** 2)


@jax.jit
def train_step(model, optimizer, x, y):
    loss, grads = nnx.value_and_grad(mse)(model, x, y)
    optimizer.update(model, grads)
    return loss


rng = np.random.default_rng(2)
x_raw, f = lens_table(1400, rng)
x = ((x_raw - x_raw[:1000].mean(0)) / x_raw[:1000].std(0)).astype(np.float32)
f_mean, f_std = f[:1000].mean(), f[:1000].std()
y = ((f - f_mean) / f_std).astype(np.float32)[:, None]

model = LensNet(48, nnx.Rngs(0))
optimizer = nnx.Optimizer(model, optax.adam(2e-3), wrt=nnx.Param)

for epoch in range(80):
    losses = []
    for idx in np.array_split(rng.permutation(1000), 16):
        losses.append(train_step(model, optimizer, x[idx], y[idx]))
    if epoch % 16 == 0:
        print(f"epoch {epoch:3d} loss {float(np.mean(losses)):.4f}")

pred = np.asarray(model(x[1000:]))[:, 0] * f_std + f_mean
truth = f[1000:]
print("held-out R2", 1 - np.sum((truth - pred) ** 2) / np.sum((truth - truth.mean()) ** 2))
