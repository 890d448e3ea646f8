"""Inflow to a reservoir from rain, snow depth, temperature and antecedent moisture."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import optax

rng = np.random.default_rng(81)
n = 1600
rain = rng.gamma(1.5, 6, n)
snow = rng.uniform(0, 120, n)
temp = rng.uniform(-8, 18, n)
moist = rng.uniform(0.05, 0.45, n)
melt = np.minimum(snow, 4.5 * np.maximum(temp, 0))
inflow = rain * (temp > 1) * (moist / 0.45) ** 2 + 0.5 * melt + 3
inflow = inflow + rng.normal(0, 2.0, n)
x = np.column_stack([rain, snow, temp, moist])
x = jnp.asarray((x - x.mean(0)) / x.std(0))
y = jnp.asarray((inflow - inflow.mean()) / inflow.std())


def init(key, sizes):
    keys = jax.random.split(key, len(sizes) - 1)
    return [
        {"w": jax.random.normal(k, (i, o)) * jnp.sqrt(2 / i), "b": jnp.zeros(o)}
        for k, i, o in zip(keys, sizes[:-1], sizes[1:])
    ]


def apply(params, x):
    for layer in params[:-1]:
        x = jax.nn.relu(x @ layer["w"] + layer["b"])
    return (x @ params[-1]["w"] + params[-1]["b"])[:, 0]


def loss_fn(params, x, y):
    return optax.squared_error(apply(params, x), y).mean()


schedule = optax.warmup_cosine_decay_schedule(1e-7, 8e-3, warmup_steps=300, decay_steps=1800, end_value=1e-5)
tx = optax.chain(optax.clip_by_global_norm(1.0), optax.adamw(schedule, weight_decay=1e-2))


@partial(jax.jit, donate_argnums=(0, 1))
def step(params, state, x, y):
    loss, grads = jax.value_and_grad(loss_fn)(params, x, y)
    updates, state = tx.update(grads, state, params)
    return optax.apply_updates(params, updates), state, loss


params = init(jax.random.key(81), [4, 24, 24, 1])
state = tx.init(params)
for i in range(1800):
    rows = rng.integers(0, 1200, 64)
    params, state, loss = step(params, state, x[rows], y[rows])
    if i % 300 == 0:
        print(f"step {i} rate {float(schedule(i)):.2e} loss {float(loss):.4f}")
print("R2", float(1 - loss_fn(params, x[1200:], y[1200:]) / y[1200:].var()))
