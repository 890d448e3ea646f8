"""Hourly bike hires: hand-written two-layer network in JAX, momentum SGD from optax."""

import jax
import jax.numpy as jnp
import numpy as np
import optax


def hires(n, seed):
    g = np.random.default_rng(seed)
    hour = g.integers(0, 24, n)
    temp = g.uniform(-5, 32, n)
    weekend = g.integers(0, 2, n)
    peak = np.exp(-((hour - 8) ** 2) / 4) + np.exp(-((hour - 17) ** 2) / 6)
    mid = np.exp(-((hour - 14) ** 2) / 20)
    mean = (1 - weekend) * 220 * peak + weekend * 180 * mid
    count = 30 + mean * (0.4 + 0.03 * np.clip(temp, 0, 25)) + g.normal(0, 12, n)
    phase = 2 * np.pi * hour / 24
    cols = [np.sin(phase), np.cos(phase), np.sin(2 * phase), np.cos(2 * phase), (temp - 13.5) / 10.7, weekend - 0.5]
    return np.stack(cols, 1).astype(np.float32), count.astype(np.float32)


def init(key, sizes):
    keys = jax.random.split(key, len(sizes) - 1)
    return [
        {"w": jax.random.normal(k, (m, n)) * jnp.sqrt(2 / m), "b": jnp.zeros(n)}
        for k, m, n in zip(keys, sizes[:-1], sizes[1:], strict=True)
    ]


def forward(params, x):
    for layer in params[:-1]:
        x = jax.nn.relu(x @ layer["w"] + layer["b"])
    last = params[-1]
    return (x @ last["w"] + last["b"])[:, 0]


def loss(params, x, y):
    return jnp.mean(jnp.square(forward(params, x) - y))


x_train, c_train = hires(2000, 0)
x_test, c_test = hires(500, 1)
shift, scale = c_train.mean(), c_train.std()
y_train = (c_train - shift) / scale

tx = optax.sgd(learning_rate=0.02, momentum=0.9)
params = init(jax.random.key(7), [6, 64, 64, 1])
opt_state = tx.init(params)


@jax.jit
def step(params, opt_state, x, y):
    value, grads = jax.value_and_grad(loss)(params, x, y)
    updates, opt_state = tx.update(grads, opt_state, params)
    return optax.apply_updates(params, updates), opt_state, value


order = np.random.default_rng(5)
for epoch in range(60):
    perm = order.permutation(len(x_train)).reshape(-1, 100)
    for rows in perm:
        params, opt_state, value = step(params, opt_state, x_train[rows], y_train[rows])
    if epoch % 10 == 0:
        print("epoch", epoch, "loss", float(value))

pred = forward(params, x_test) * scale + shift
print("test R2:", float(1 - ((pred - c_test) ** 2).sum() / ((c_test - c_test.mean()) ** 2).sum()))
