"""Flow through an orifice plate; parameters as a pytree, Optax with a schedule."""

import jax
import jax.numpy as jnp
import numpy as np
import optax

rng = np.random.default_rng(23)
n = 1000
dp = rng.uniform(500, 20000, n)  # Pa
bore = rng.uniform(0.01, 0.04, n)  # m
beta = rng.uniform(0.3, 0.7, n)
density = rng.uniform(700, 1100, n)  # kg/m3
discharge = 0.5959 + 0.0312 * beta**2.1 - 0.184 * beta**8
flow = discharge / np.sqrt(1 - beta**4) * np.pi / 4 * bore**2 * np.sqrt(2 * density * dp)

features = np.stack([dp, bore, beta, density], axis=1)
features = (features - features.mean(axis=0)) / features.std(axis=0)
flow = (flow - flow.mean()) / flow.std()
train = (jnp.asarray(features[:800]), jnp.asarray(flow[:800]))
test = (jnp.asarray(features[800:]), jnp.asarray(flow[800:]))

k1, k2, k3 = jax.random.split(jax.random.key(23), 3)
params = {
    "w1": jax.random.normal(k1, (4, 24)) * 0.5,
    "b1": jnp.zeros(24),
    "w2": jax.random.normal(k2, (24, 24)) * 0.2,
    "b2": jnp.zeros(24),
    "w3": jax.random.normal(k3, (24, 1)) * 0.2,
    "b3": jnp.zeros(1),
}


def predict(p, x):
    h = jnp.tanh(x @ p["w1"] + p["b1"])
    h = jnp.tanh(h @ p["w2"] + p["b2"])
    return jax.nn.sigmoid(h @ p["w3"] + p["b3"]).squeeze(-1)


def loss(p, x, y):
    return jnp.mean(optax.l2_loss(predict(p, x), y))


EPOCHS, BATCH = 80, 40
schedule = optax.cosine_decay_schedule(1e-5, EPOCHS * (800 // BATCH), alpha=0.1)
tx = optax.chain(optax.clip_by_global_norm(1.0), optax.adam(schedule))
state = tx.init(params)


@jax.jit
def step(p, state, x, y):
    value, grads = jax.value_and_grad(loss)(p, x, y)
    updates, state = tx.update(grads, state, p)
    return optax.apply_updates(p, updates), state, value


for epoch in range(EPOCHS):
    for rows in rng.permutation(800).reshape(-1, BATCH):
        params, state, value = step(params, state, train[0][rows], train[1][rows])
    if epoch % 20 == 0:
        print(f"{epoch:3d} loss {float(value):.4f}")

error = predict(params, test[0]) - test[1]
print(f"test R2 {1 - float(jnp.mean(error**2) / jnp.var(test[1])):.3f}")
