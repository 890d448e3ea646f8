"""Period of a pendulum with large swing: length, amplitude and air drag."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx


def period(length, amplitude, drag):
    a, b = np.ones_like(amplitude), np.cos(amplitude / 2)
    for _ in range(6):
        a, b = (a + b) / 2, np.sqrt(a * b)
    return 2 * np.pi * np.sqrt(length / 9.81) / a * (1 + 0.5 * drag**2)


class Net(nnx.Module):
    def __init__(self, rngs):
        self.inner = nnx.Linear(3, 32, rngs=rngs)
        self.middle = nnx.Linear(32, 32, rngs=rngs)
        self.outer = nnx.Linear(32, 1, rngs=rngs)

    def __call__(self, x):
        h = jnp.tanh(self.inner(x))
        h = jnp.tanh(self.middle(h))
        return self.outer(h)[:, 0]


def mse(model, x, y):
    return jnp.mean((model(x) - y) ** 2)


@jax.jit
def step(model, optimizer, x, y):
    loss, grads = nnx.value_and_grad(mse)(model, x, y)
    optimizer.update(model, grads)
    return loss


def main():
    rng = np.random.default_rng(5)
    length, amplitude, drag = rng.uniform(0.2, 2.0, 1200), rng.uniform(0.1, 2.8, 1200), rng.uniform(0, 0.6, 1200)
    y = period(length, amplitude, drag)
    x = np.column_stack([length - 1.1, amplitude - 1.45, drag * 3 - 0.9]).astype(np.float32)
    y = ((y - y[:1000].mean()) / y[:1000].std()).astype(np.float32)
    x_train, x_val, y_train, y_val = x[:1000], x[1000:], y[:1000], y[1000:]

    model = Net(nnx.Rngs(5))
    optimizer = nnx.Optimizer(model, optax.adam(4e-3), wrt=nnx.Param)
    for epoch in range(80):
        order = rng.permutation(1000)
        for rows in order.reshape(10, 100):
            loss = step(model, optimizer, x_train[rows], y_train[rows])
        if epoch % 20 == 0:
            print(f"epoch {epoch}: train {float(loss):.4f}  val {float(mse(model, x_val, y_val)):.4f}")

    r2 = 1 - float(mse(model, x_val, y_val)) / float(np.var(y_val))
    print(f"validation R2: {r2:.4f}")


if __name__ == "__main__":
    main()
