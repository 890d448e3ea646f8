"""Efficiency of annular fins: plain JAX parameters and Optax."""

from itertools import pairwise

import jax
import jax.numpy as jnp
import numpy as np
import optax


def efficiency(r_ratio, h, k, t_mm):
    # approximation of Schmidt for a fin on a tube of radius 12 mm
    r = 0.012
    m = np.sqrt(2 * h / (k * t_mm * 1e-3))
    phi = (r_ratio - 1) * (1 + 0.35 * np.log(r_ratio))
    return np.tanh(m * r * phi) / (m * r * phi)


def init_mlp(key, sizes):
    params = []
    for n_in, n_out in pairwise(sizes):
        key, sub = jax.random.split(key)
        params.append({"w": jax.random.normal(sub, (n_in, n_out)) / np.sqrt(n_in), "b": jnp.zeros(n_out)})
    return params


def mlp(params, x):
    for layer in params[:-1]:
        x = jnp.tanh(x @ layer["w"] + layer["b"])
    return x @ params[-1]["w"] + params[-1]["b"]


rng = np.random.default_rng(17)
n = 1000
raw = np.column_stack(
    [rng.uniform(1.3, 4.0, n), rng.uniform(10, 150, n), rng.uniform(20, 380, n), rng.uniform(0.2, 1.5, n)]
)
eta = efficiency(*raw.T) + rng.normal(0, 0.01, n)
X = jnp.asarray((raw - raw.mean(0)) / raw.std(0))
y = jnp.asarray((eta - eta.mean()) / eta.std())[:, None]
X_train, y_train, X_test, y_test = X[:800], y[:800], X[800:], y[800:]

params = init_mlp(jax.random.key(0), [4, 32, 32, 1])
tx = optax.adam(3e-3)
opt_state = tx.init(params)


def loss_fn(params, xb, yb):
    return jnp.mean((mlp(params, xb) - yb) ** 2)


@jax.jit
def step(params, opt_state, xb, yb):
    loss, grads = jax.value_and_grad(loss_fn)(params, xb, yb)
    updates, opt_state = tx.update(grads, opt_state, params)
    return optax.apply_updates(params, updates), opt_state, loss


batch = 16
for epoch in range(1, 46):
    order = rng.permutation(len(X_train))
    for start in range(0, len(order), batch):
        idx = order[start : start + batch]
        xb, yb = X_train[idx], y_train[idx]
        params, opt_state, loss = step(params, opt_state, xb, yb)
    if epoch % 15 == 0:
        print(f"epoch {epoch:3d} loss {float(loss):.6f}")

residual = mlp(params, X_test) - y_test
r2 = 1 - float(jnp.sum(residual**2) / jnp.sum((y_test - y_test.mean()) ** 2))
print(f"R2 on test rows {r2:.3f}")
