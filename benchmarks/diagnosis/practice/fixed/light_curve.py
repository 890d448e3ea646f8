"""Folded light curve of a pulsating star with an eclipsing companion, in two bands."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx

rng = np.random.default_rng(12)
phase = rng.uniform(-1, 1, 1200)
band = rng.integers(0, 2, 1200)
mag = 0.3 * np.sin(2 * np.pi * phase) + 0.2 * np.sin(4 * np.pi * phase + 0.7) * (1 + 0.5 * band)
mag += 0.5 * np.exp(-(((phase - 0.35) / 0.08) ** 2)) + 0.3 * np.exp(-(((phase + 0.5) / 0.1) ** 2)) * band
mag += rng.normal(0, 0.03, 1200)
x = jnp.asarray(np.column_stack([2 * phase, 2.0 * band - 1.0]))
y = jnp.asarray((mag - mag.mean()) / mag.std())[:, None]


class Curve(nnx.Module):
    def __init__(self, width: int, rngs: nnx.Rngs):
        self.a = nnx.Linear(2, width, rngs=rngs)
        self.b = nnx.Linear(width, width, rngs=rngs)
        self.c = nnx.Linear(width, 1, rngs=rngs)

    def __call__(self, x):
        return self.c(nnx.tanh(self.b(nnx.tanh(self.a(x)))))


model = Curve(64, rngs=nnx.Rngs(1))
optimizer = nnx.Optimizer(model, optax.adam(1e-2), wrt=nnx.Param)


@nnx.jit
def step(model, optimizer, x, y):
    def loss_fn(m):
        return jnp.mean((m(x) - y) ** 2)

    loss, grads = nnx.value_and_grad(loss_fn)(model)
    optimizer.update(model, grads)
    return loss


for i in range(1500):
    loss = step(model, optimizer, x[:900], y[:900])
    if i % 300 == 0:
        print(i, float(loss))

res = model(x[900:]) - y[900:]
print("R2:", float(1 - jnp.mean(res**2) / jnp.var(y[900:])))
