"""Drape coefficient of woven fabrics from KES properties, with dropout and a held-out set (Flax NNX)."""

import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx


class Drape(nnx.Module):
    def __init__(self, width, rate, rngs):
        self.inp = nnx.Linear(5, width, rngs=rngs)
        self.norm = nnx.BatchNorm(width, momentum=0.9, rngs=rngs)
        self.drop = nnx.Dropout(rate, rngs=rngs)
        self.hid = nnx.Linear(width, width, rngs=rngs)
        self.out = nnx.Linear(width, 1, rngs=rngs)

    def __call__(self, x):
        x = nnx.relu(self.norm(self.inp(x)))
        x = self.drop(x)
        x = nnx.relu(self.hid(x))
        return self.out(x)[:, 0]


@nnx.jit
def train_step(model, opt, x, y):
    def loss_fn(m):
        return optax.huber_loss(m(x), y).mean()

    loss, grads = nnx.value_and_grad(loss_fn)(model)
    opt.update(model, grads)
    return loss


@nnx.jit
def predict(model, x):
    return model(x)


def fabrics(n, rng):
    bend = rng.lognormal(-2.5, 0.5, n)
    shear = rng.lognormal(-0.3, 0.4, n)
    mass = rng.normal(18, 4, n).clip(7)
    thick = rng.normal(0.6, 0.12, n).clip(0.2)
    hyst = rng.lognormal(-3, 0.4, n)
    stiff = np.cbrt(bend / mass) * 10
    drape = (
        25 + 60 / (1 + np.exp(-(stiff - 1.75) / 0.25)) + 8 * np.log(shear) - 10 * (thick - 0.6) + rng.normal(0, 5, n)
    )
    x = np.column_stack([np.log(bend), np.log(shear), mass, thick, np.log(hyst)])
    return x, drape


def main():
    rng = np.random.default_rng(23)
    x, d = fabrics(1200, rng)
    mean, std = x[:900].mean(0), x[:900].std(0)
    x = jnp.asarray((x - mean) / std)
    y = jnp.asarray((d - d[:900].mean()) / d[:900].std())
    model = Drape(48, 0.1, nnx.Rngs(params=23, dropout=24))
    opt = nnx.Optimizer(model, optax.adamw(optax.exponential_decay(3e-3, 300, 0.5), weight_decay=1e-3), wrt=nnx.Param)
    for epoch in range(30):
        model.train()
        for rows in np.array_split(rng.permutation(900), 15):
            loss = train_step(model, opt, x[rows], y[rows])
        if epoch % 10 == 9:
            model.eval()
            val = jnp.mean((predict(model, x[900:]) - y[900:]) ** 2)
            print(f"epoch {epoch + 1}: batch loss {float(loss):.3f}, held-out mse {float(val):.3f}")
    model.eval()
    p = predict(model, x[900:])
    print("R2", float(1 - jnp.sum((p - y[900:]) ** 2) / jnp.sum((y[900:] - y[900:].mean()) ** 2)))


if __name__ == "__main__":
    main()
