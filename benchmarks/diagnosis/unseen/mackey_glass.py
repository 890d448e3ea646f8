import jax
import jax.numpy as jnp
import numpy as np
import optax

TAU, LAGS, AHEAD = 17, 8, 6


def mackey_glass(n, seed):
    rng = np.random.default_rng(seed)
    x = list(1.2 + 0.05 * rng.standard_normal(TAU + 1))
    while len(x) < n + 200:
        x.append(x[-1] + 0.2 * x[-TAU - 1] / (1 + x[-TAU - 1] ** 10) - 0.1 * x[-1])
    return np.array(x[200:])


series = mackey_glass(2000, seed=0)
series = (series - series.mean()) / series.std()
offsets = 3 * np.arange(LAGS)
starts = np.arange(len(series) - offsets[-1] - AHEAD)
windows = jnp.asarray(series[starts[:, None] + offsets])
targets = jnp.asarray(series[starts + offsets[-1] + AHEAD])
cut = 1500
xtr, ytr, xte, yte = windows[:cut], targets[:cut], windows[cut + 30 :], targets[cut + 30 :]


def init(key):
    k1, k2, k3 = jax.random.split(key, 3)
    return {
        "w1": jax.random.normal(k1, (LAGS, 32)) * (1 / LAGS) ** 0.5,
        "b1": jnp.zeros(32),
        "w2": jax.random.normal(k2, (32, 32)) * (1 / 32) ** 0.5,
        "b2": jnp.zeros(32),
        "w3": jax.random.normal(k3, (32, 1)) * (1 / 32) ** 0.5,
        "b3": jnp.zeros(1),
    }


def predict(p, x):
    h = jnp.tanh(x @ p["w1"] + p["b1"])
    h = jnp.tanh(h @ p["w2"] + p["b2"])
    return (h @ p["w3"] + p["b3"])[:, 0]


def loss_fn(p, x, y):
    return jnp.mean((predict(p, x) - y) ** 2)


tx = optax.adam(learning_rate=0.5)


@jax.jit
def update(p, state, x, y):
    value, grads = jax.value_and_grad(loss_fn)(p, x, y)
    updates, state = tx.update(grads, state)
    return optax.apply_updates(p, updates), state, value


params = init(jax.random.key(0))
opt_state = tx.init(params)
shuffle = np.random.default_rng(5)
for epoch in range(40):
    for idx in np.array_split(shuffle.permutation(cut), 25):
        params, opt_state, value = update(params, opt_state, xtr[idx], ytr[idx])
    if epoch % 8 == 7:
        print(f"epoch {epoch + 1}: train {loss_fn(params, xtr, ytr):.4f} test {loss_fn(params, xte, yte):.4f}")
print("test R2", 1 - float(loss_fn(params, xte, yte) / yte.var()))
