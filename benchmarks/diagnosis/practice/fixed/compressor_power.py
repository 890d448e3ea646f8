"""Specific work of a refrigerant compressor from pressures (Pa), clearance, valve friction and speed."""

import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx

rng = np.random.default_rng(63)
N = 1400
suction = rng.uniform(1.5e5, 4.5e5, N)
discharge = rng.uniform(8.0e5, 22.0e5, N)
clearance = rng.uniform(0.02, 0.06, N)
friction = rng.uniform(0.001, 0.02, N)
speed = rng.uniform(15.0, 60.0, N)
ratio = discharge / suction
volumetric = 1 + clearance - clearance * ratio ** (1 / 1.15)
work = (ratio**0.13 - 1) * 280 / volumetric
pulsation = 0.3 * np.cos((speed - 15.0) / 45.0 * 3 * np.pi)
work = work * (1 + 45 * np.abs(friction - 0.009) + pulsation)

X = np.column_stack([suction, discharge, clearance, friction, speed]).astype(np.float32)
X = (X - X[:1100].mean(0)) / X[:1100].std(0)
Y = ((work - work.mean()) / work.std()).astype(np.float32)[:, None]
train, held = np.arange(N) < 1100, np.arange(N) >= 1100


class Surrogate(nnx.Module):
    def __init__(self, width, *, rngs):
        self.a = nnx.Linear(X.shape[1], width, rngs=rngs)
        self.b = nnx.Linear(width, width, rngs=rngs)
        self.c = nnx.Linear(width, 1, rngs=rngs)

    def __call__(self, x):
        return self.c(nnx.silu(self.b(nnx.silu(self.a(x)))))


def objective(model, x, y):
    return optax.squared_error(model(x), y).mean()


@nnx.jit
def update(model, optimizer, x, y):
    loss, grads = nnx.value_and_grad(objective)(model, x, y)
    optimizer.update(model, grads)
    return loss


model = Surrogate(32, rngs=nnx.Rngs(6))
optimizer = nnx.Optimizer(model, optax.adam(3e-3), wrt=nnx.Param)
x_train, y_train = X[train], Y[train]
for epoch in range(100):
    rows = rng.permutation(len(x_train)).reshape(-1, 100)
    losses = [update(model, optimizer, jnp.asarray(x_train[r]), jnp.asarray(y_train[r])) for r in rows]
    if epoch % 25 == 24:
        print(epoch + 1, float(np.mean(losses)))

residual = Y[held] - np.asarray(model(jnp.asarray(X[held])))
print("R2", 1 - np.sum(residual**2) / np.sum((Y[held] - Y[held].mean()) ** 2))
