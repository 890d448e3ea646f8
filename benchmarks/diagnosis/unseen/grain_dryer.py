"""Drying time of a wheat batch in a fixed-bed dryer."""

import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx


def batches(rows, seed):
    rng = np.random.default_rng(seed)
    table = {
        "air_c": rng.integers(35, 71, rows),
        "flow_m3h": rng.integers(600, 4000, rows),
        "bed_mm": rng.integers(100, 600, rows),
        "moisture_pct": rng.integers(16, 33, rows),
        "pressure_hpa": rng.integers(970, 1030, rows),
    }
    removed = np.log((table["moisture_pct"] - 8) / 6.0)
    rate = 0.35 * np.exp((table["air_c"] - 50) / 22) * (table["flow_m3h"] / 2000) ** 0.4
    rate *= (1013.25 / table["pressure_hpa"]) ** 0.5 * (300 / table["bed_mm"]) ** 0.5
    hours = removed / rate * np.exp(rng.normal(0, 0.03, rows))
    return table, hours


def design(table):
    moisture = table["moisture_pct"] // 100
    columns = [table["air_c"], table["flow_m3h"], table["bed_mm"], moisture, table["pressure_hpa"]]
    return np.stack(columns, axis=1).astype(np.float32)


class DryerNet(nnx.Module):
    def __init__(self, rngs):
        self.first = nnx.Linear(5, 48, rngs=rngs)
        self.second = nnx.Linear(48, 32, rngs=rngs)
        self.last = nnx.Linear(32, 1, rngs=rngs)

    def __call__(self, x):
        x = nnx.relu(self.first(x))
        x = nnx.relu(self.second(x))
        return self.last(x).squeeze(-1)


@nnx.jit
def train_step(model, optimizer, x, y):
    def loss_fn(m):
        return jnp.mean(optax.huber_loss(m(x), y))

    loss, grads = nnx.value_and_grad(loss_fn)(model)
    optimizer.update(model, grads)
    return loss


def main():
    table, hours = batches(1600, seed=8)
    x, y = design(table), np.log(hours).astype(np.float32)
    x_train, x_test, y_train, y_test = x[:1200], x[1200:], y[:1200], y[1200:]
    center, spread = y_train.mean(), y_train.std()
    y_train, y_test = (y_train - center) / spread, (y_test - center) / spread

    model = DryerNet(nnx.Rngs(8))
    optimizer = nnx.Optimizer(model, optax.adam(2e-3), wrt=nnx.Param)
    rng = np.random.default_rng(80)
    for epoch in range(100):
        order = rng.permutation(1200)
        for rows in order.reshape(-1, 80):
            loss = train_step(model, optimizer, x_train[rows], y_train[rows])
        if epoch % 20 == 0:
            print(f"epoch {epoch:3d}  loss {float(loss):.4f}")

    guess = np.asarray(model(jnp.asarray(x_test)))
    print(f"test R2 {1 - np.mean((guess - y_test) ** 2) / y_test.var():.3f}")


if __name__ == "__main__":
    main()
