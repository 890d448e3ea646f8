"""Water temperature of a river from air temperature, flow, shade and day of year."""

import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx


def main():
    rng = np.random.default_rng(14)
    n = 1400
    day = rng.uniform(0, 365, n)
    air = 10 - 9 * np.cos(2 * np.pi * (day - 20) / 365) + rng.normal(0, 3, n)
    flow = rng.lognormal(2.0, 0.5, n)
    shade = rng.uniform(0, 1, n)
    water = 0.8 + 22 / (1 + np.exp(0.2 * (13 - air))) * (1 - 0.25 * shade) + 6 / np.sqrt(flow)
    water += rng.normal(0, 0.4, n)
    cols = np.column_stack([air, np.log(flow), shade, np.cos(2 * np.pi * day / 365), np.sin(2 * np.pi * day / 365)])
    cols = (cols - cols.mean(0)) / cols.std(0)
    x = jnp.asarray(cols, jnp.float32)
    y = jnp.asarray((water - water.mean()) / water.std(), jnp.float32)

    rngs = nnx.Rngs(14)
    model = nnx.Sequential(nnx.Linear(5, 48, rngs=rngs), nnx.silu, nnx.Linear(48, 1, rngs=rngs))
    optimizer = nnx.Optimizer(model, optax.adam(5e-3), wrt=nnx.Param)

    @nnx.jit
    def train_step(model, optimizer, batch_x, batch_y):
        def loss_fn(model):
            return jnp.mean((model(batch_x).squeeze(-1) - batch_y) ** 2)

        loss, grads = nnx.value_and_grad(loss_fn)(model)
        optimizer.update(model, grads)
        return loss

    for epoch in range(24):
        order = rng.permutation(1000)
        losses = []
        for start in range(0, 1000, 10):
            pick = order[start : start + 10]
            batch_x, batch_y = x[pick], y[pick]
            losses.append(float(train_step(model, optimizer, batch_x, batch_y)))
        if epoch % 6 == 0:
            print("epoch", epoch, "loss", np.mean(losses))

    p = model(x[1000:]).squeeze(-1)
    t = y[1000:]
    print("R2", float(1 - jnp.sum((p - t) ** 2) / jnp.sum((t - t.mean()) ** 2)))


if __name__ == "__main__":
    main()
