"""Gain of a damped RLC circuit against frequency, damping and load; warm-up of the step size."""

import jax
import jax.numpy as jnp
import numpy as np

rng = np.random.default_rng(12)
n = 1200
freq = rng.uniform(0.2, 2.5, n)
zeta = rng.uniform(0.15, 0.9, n)
load = rng.uniform(0.0, 1.0, n)
gain = 1 / np.sqrt((1 - freq**2) ** 2 + (2 * (zeta + 0.2 * load) * freq) ** 2)
gain_db = 20 * np.log10(gain) + rng.normal(0, 0.1, n)

X = np.stack([(freq - 1.35) / 0.66, (zeta - 0.52) / 0.22, (load - 0.5) / 0.29], axis=1)
Y = ((gain_db - gain_db[:900].mean()) / gain_db[:900].std())[:, None]
X, Y = jnp.asarray(X, jnp.float32), jnp.asarray(Y, jnp.float32)

sizes = [3, 32, 32, 1]
keys = jax.random.split(jax.random.key(12), len(sizes) - 1)
params = [
    (jax.random.normal(k, (a, b)) / jnp.sqrt(a), jnp.zeros(b))
    for k, a, b in zip(keys, sizes[:-1], sizes[1:], strict=True)
]
velocity = jax.tree.map(jnp.zeros_like, params)


def forward(p, x):
    for w, b in p[:-1]:
        x = jnp.tanh(x @ w + b)
    w, b = p[-1]
    return x @ w + b


def loss_fn(p, x, y):
    return jnp.mean((forward(p, x) - y) ** 2)


rate = 1e-6


@jax.jit
def step(p, v, x, y, rate):
    loss, grads = jax.value_and_grad(loss_fn)(p, x, y)
    v = jax.tree.map(lambda a, g: 0.9 * a + g, v, grads)
    p = jax.tree.map(lambda a, b: a - rate * b, p, v)
    return p, v, loss


for epoch in range(120):
    rate = min(0.05, rate * 2)
    order = rng.permutation(900)
    total = 0.0
    for start in range(0, 900, 90):
        rows = order[start : start + 90]
        params, velocity, loss = step(params, velocity, X[rows], Y[rows], rate)
        total += float(loss) / 10
    if epoch % 20 == 0:
        print(f"epoch {epoch:3d}  rate {rate:.2e}  loss {total:.4f}")

residual = forward(params, X[900:]) - Y[900:]
r2 = 1 - float(jnp.sum(residual**2) / jnp.sum((Y[900:] - Y[900:].mean()) ** 2))
print(f"R2 on the last 300 points: {r2:.4f}")
