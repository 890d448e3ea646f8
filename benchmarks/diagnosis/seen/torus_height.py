"""Ripples around a ring: height of a surface over the plane, fitted with Flax NNX."""

import argparse

import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx


def surface(xy):
    r = np.hypot(xy[:, 0], xy[:, 1])
    phi = np.arctan2(xy[:, 1], xy[:, 0])
    return np.exp(-4 * (r - 1) ** 2) * (1 + 0.6 * np.cos(2 * phi))


class SurfaceNet(nnx.Module):
    def __init__(self, hidden, rngs):
        self.first = nnx.Linear(2, hidden, rngs=rngs)
        self.second = nnx.Linear(hidden, hidden, rngs=rngs)
        self.last = nnx.Linear(hidden, 1, rngs=rngs)

    def __call__(self, x):
        x = jnp.tanh(self.first(x))
        x = jnp.tanh(self.second(x))
        return self.last(x)[:, 0]


@nnx.jit
def update(model, optimizer, x, y):
    loss, grads = nnx.value_and_grad(lambda m: jnp.mean((m(x) - y) ** 2))(model)
    optimizer.update(model, grads)
    return loss


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--lr", type=float, default=1.0)
    parser.add_argument("--hidden", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=45)
    args = parser.parse_args()

    rng = np.random.default_rng(12)
    points = rng.uniform(-2, 2, (1500, 2))
    height = surface(points)
    height = (height - height.mean()) / height.std()
    x, y = jnp.asarray(points, jnp.float32), jnp.asarray(height, jnp.float32)
    x_train, y_train, x_val, y_val = x[:1200], y[:1200], x[1200:], y[1200:]

    model = SurfaceNet(args.hidden, nnx.Rngs(12))
    optimizer = nnx.Optimizer(model, optax.adam(args.lr), wrt=nnx.Param)
    for epoch in range(args.epochs):
        order = rng.permutation(1200)
        losses = [update(model, optimizer, x_train[i], y_train[i]) for i in np.split(order, 30)]
        if epoch % 10 == 0:
            val = jnp.mean((model(x_val) - y_val) ** 2)
            print(f"epoch {epoch:3d} train {np.mean(losses):.4f} val {float(val):.4f}")

    mse = jnp.mean((model(x_val) - y_val) ** 2)
    print(f"R2 {float(1 - mse / jnp.var(y_val)):.3f}")


if __name__ == "__main__":
    main()
