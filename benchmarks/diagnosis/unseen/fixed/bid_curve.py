"""Day-ahead power price from residual load, gas price, carbon price and hour of the day."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import optax


def market(rng, rows):
    load = rng.uniform(25, 75, rows)
    wind = rng.uniform(0, 35, rows)
    gas = rng.uniform(15, 60, rows)
    carbon = rng.uniform(20, 90, rows)
    hour = rng.integers(0, 24, rows)
    residual = load - wind
    base = 0.9 * gas + 0.25 * carbon
    price = base / (1 + np.exp(-(residual - 22) / 7)) + 60 * np.exp((residual - 70) / 8)
    price += 6 * np.sin(2 * np.pi * (hour - 8) / 24) + rng.normal(0, 2.0, rows)
    angle = 2 * np.pi * hour / 24
    x = np.column_stack(
        [(load - 50) / 14, (wind - 17) / 10, (gas - 37) / 13, (carbon - 55) / 20, np.sin(angle), np.cos(angle)]
    )
    return x.astype(np.float32), ((price - 32) / 20).astype(np.float32)[:, None]


def init_params(key, sizes):
    keys = jax.random.split(key, len(sizes) - 1)
    return [
        {"w": jax.random.normal(k, (a, b)) * jnp.sqrt(1.0 / a), "b": jnp.zeros(b)}
        for k, a, b in zip(keys, sizes[:-1], sizes[1:], strict=True)
    ]


def predict(params, x):
    for layer in params[:-1]:
        x = jax.nn.swish(x @ layer["w"] + layer["b"])
    return x @ params[-1]["w"] + params[-1]["b"]


class PriceModel:
    def __init__(self, x, y, batch=16, seed=0):
        self.x, self.y, self.batch = x, y, batch
        self.rng = np.random.default_rng(seed)
        self.tx = optax.adam(2e-3)
        self.params = init_params(jax.random.key(seed), [x.shape[1], 48, 48, 1])
        self.state = self.tx.init(self.params)
        self.draw()

    def draw(self):
        rows = self.rng.integers(0, len(self.x), self.batch)
        self.xb, self.yb = jnp.asarray(self.x[rows]), jnp.asarray(self.y[rows])

    @partial(jax.jit, static_argnums=0)
    def update(self, params, state, xb, yb):
        def cost(p):
            return jnp.mean((predict(p, xb) - yb) ** 2)

        value, grads = jax.value_and_grad(cost)(params)
        changes, state = self.tx.update(grads, state)
        return optax.apply_updates(params, changes), state, value

    def fit(self, steps):
        for step in range(steps):
            self.draw()
            self.params, self.state, value = self.update(self.params, self.state, self.xb, self.yb)
            if step % 400 == 0:
                print(f"step {step:5d}  mse {value:.4f}")


rng = np.random.default_rng(77)
x_train, y_train = market(rng, 3000)
x_test, y_test = market(rng, 800)
model = PriceModel(x_train, y_train)
model.fit(2400)
error = np.asarray(predict(model.params, jnp.asarray(x_test))) - y_test
print(f"R2 on unseen hours: {1 - (error**2).mean() / y_test.var():.3f}")
