"""Luminosity class index of stars from mass, surface temperature and metallicity."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx


def stars(n, seed):
    rng = np.random.default_rng(seed)
    mass = rng.uniform(0.3, 6.0, n)
    teff = rng.uniform(100, 440, n)  # tens of K
    feh = rng.uniform(-1.5, 0.5, n)
    lum = 3.2 * np.log10(mass) + 0.8 * np.sin((teff - 100) / 62) + 0.3 * feh * np.log10(mass)
    return np.column_stack([mass, teff, feh]), lum + rng.normal(0, 0.03, n)


X, y = stars(1500, 9)
X = (X - X.mean(0)) / X.std(0)
y = (y - y.mean()) / y.std()
X, y = jnp.asarray(X, jnp.float32), jnp.asarray(y, jnp.float32)[:, None]
train_x, train_y, test_x, test_y = X[:1200], y[:1200], X[1200:], y[1200:]


class MLP(nnx.Module):
    def __init__(self, rngs):
        self.layers = nnx.Sequential(
            nnx.Linear(3, 64, rngs=rngs),
            nnx.tanh,
            nnx.Linear(64, 64, rngs=rngs),
            nnx.tanh,
            nnx.Linear(64, 1, rngs=rngs),
        )

    def __call__(self, x):
        return self.layers(x)


graphdef, params = nnx.split(MLP(nnx.Rngs(0)))
tx = optax.adam(5e-3)
opt_state = tx.init(params)


def loss_fn(params, x, y):
    return jnp.mean((nnx.merge(graphdef, params)(x) - y) ** 2)


@jax.jit
def train_step(params, opt_state, x, y):
    loss, grads = jax.value_and_grad(loss_fn)(params, x, y)
    updates, opt_state = tx.update(grads, opt_state, params)
    params = optax.apply_updates(params, updates)
    return params, opt_state, loss


rng = np.random.default_rng(0)
for epoch in range(60):
    perm = rng.permutation(1200)
    for b in perm.reshape(-1, 60):
        params, opt_state, loss = train_step(params, opt_state, train_x[b], train_y[b])
    if epoch % 10 == 0:
        print(f"epoch {epoch} loss {float(loss):.4f}")

mse = loss_fn(params, test_x, test_y)
print("R2", float(1 - mse / jnp.var(test_y)))
