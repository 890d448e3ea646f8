"""Density of a real gas (van der Waals) from pressure, temperature and molar mass, with Flax NNX."""

import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx

R = 8.314
EPOCHS = 6


def density(p, t, molar):
    a = 0.25 + 9.0 * (molar - 0.02)
    b = 4.0e-5
    v = R * t / p
    for _ in range(60):
        v = R * t / (p + a / v**2) + b
    return molar / v


def dataset(n, seed):
    rng = np.random.default_rng(seed)
    p = rng.uniform(1.0e5, 5.0e6, n)
    t = rng.uniform(320.0, 700.0, n)
    molar = rng.uniform(0.016, 0.044, n)
    rho = density(p, t, molar) * (1 + 0.005 * rng.standard_normal(n))
    x = np.stack([p, t, molar], axis=1)
    return x.astype(np.float32), rho.astype(np.float32)[:, None]


class Density(nnx.Module):
    def __init__(self, rngs):
        self.first = nnx.Linear(3, 32, rngs=rngs)
        self.second = nnx.Linear(32, 32, rngs=rngs)
        self.last = nnx.Linear(32, 1, rngs=rngs)

    def __call__(self, x):
        x = nnx.tanh(self.first(x))
        x = nnx.tanh(self.second(x))
        return self.last(x)


@nnx.jit
def train_step(model, optimizer, x, y):
    def loss_fn(m):
        return optax.squared_error(m(x), y).mean()

    loss, grads = nnx.value_and_grad(loss_fn)(model)
    optimizer.update(model, grads)
    return loss


x, y = dataset(1500, seed=6)
x_train, x_test = x[:1200], x[1200:]
mu, sd = y[:1200].mean(), y[:1200].std()
y_train, y_test = (y[:1200] - mu) / sd, (y[1200:] - mu) / sd

model = Density(nnx.Rngs(6))
optimizer = nnx.Optimizer(model, optax.adam(1e-3), wrt=nnx.Param)
shuffle = np.random.default_rng(0)

for epoch in range(EPOCHS):
    order = shuffle.permutation(1200)
    losses = []
    for rows in np.array_split(order, 8):
        losses.append(float(train_step(model, optimizer, jnp.asarray(x_train[rows]), jnp.asarray(y_train[rows]))))
    if epoch % max(1, EPOCHS // 6) == 0:
        print(f"epoch {epoch} loss {np.mean(losses):.4f}")

pred = np.asarray(model(jnp.asarray(x_test)))
print(f"R2 {1 - ((pred - y_test) ** 2).sum() / ((y_test - y_test.mean()) ** 2).sum():.4f}")
