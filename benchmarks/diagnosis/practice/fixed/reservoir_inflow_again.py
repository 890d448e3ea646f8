"""Inflow of a hydro reservoir from snow, rain and temperature."""

import jax
import jax.numpy as jnp
import numpy as np
import optax

rng = np.random.default_rng(23)
n = 2000
snow = rng.gamma(2.0, 60, n)
rain = rng.gamma(0.8, 12, n)
temp = rng.normal(3, 7, n)
soil = rng.uniform(0, 1, n)
melt = np.minimum(snow, 4.0 * np.clip(temp, 0, None)) * (1 + 0.01 * rain)
inflow = melt + rain * np.where(temp > 0, 0.2 + 0.8 * soil**2, 0.05) + 5 + rng.normal(0, 1.5, n)

raw = np.stack([snow, rain, temp, soil], 1)
x = ((raw - raw[:1500].mean(0)) / raw[:1500].std(0)).astype(np.float32)
mean, std = inflow[:1500].mean(), inflow[:1500].std()
y = ((inflow - mean) / std).astype(np.float32)[:, None]
ACTIVATIONS = {"relu": jax.nn.relu, "tanh": jnp.tanh, "none": lambda v: v}
settings = {"sizes": (4, 64, 64, 1), "act": "relu", "lr": 3e-3}


def init(key, sizes):
    params = []
    for k, a, b in zip(jax.random.split(key, len(sizes) - 1), sizes[:-1], sizes[1:], strict=True):
        params.append({"w": jax.random.normal(k, (a, b)) * np.sqrt(2 / a), "b": jnp.zeros(b)})
    return params


def predict(params, x):
    act = ACTIVATIONS[settings["act"]]
    for layer in params[:-1]:
        x = act(x @ layer["w"] + layer["b"])
    return x @ params[-1]["w"] + params[-1]["b"]


def loss_fn(params, x, y):
    return jnp.mean((predict(params, x) - y) ** 2)


tx = optax.adam(settings["lr"])


@jax.jit
def update(params, opt_state, xb, yb):
    loss, grads = jax.value_and_grad(loss_fn)(params, xb, yb)
    updates, opt_state = tx.update(grads, opt_state, params)
    return optax.apply_updates(params, updates), opt_state, loss


def run_epoch(params, opt_state):
    order = rng.permutation(1500)
    losses = []
    for i in range(0, 1500, 75):
        idx = order[i : i + 75]
        params, opt_state, loss = update(params, opt_state, x[idx], y[idx])
        losses.append(loss)
    return params, opt_state, float(np.mean(losses))


params = init(jax.random.key(1), settings["sizes"])
opt_state = tx.init(params)
for epoch in range(60):
    params, opt_state, loss = run_epoch(params, opt_state)
    if epoch % 10 == 0:
        print(f"epoch {epoch:2d} loss {loss:.4f}")

pred = np.asarray(predict(params, x[1500:]))[:, 0] * std + mean
print("test RMSE", float(np.sqrt(np.mean((pred - inflow[1500:]) ** 2))))
