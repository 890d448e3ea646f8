"""Food intake of a predator as a function of prey density, temperature and body mass."""

from itertools import pairwise

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx


class IntakeModel(nnx.Module):
    def __init__(self, sizes, rngs):
        self.layers = nnx.List([nnx.Linear(a, b, rngs=rngs) for a, b in pairwise(sizes)])

    def __call__(self, x):
        for layer in self.layers[:-1]:
            x = nnx.gelu(layer(x))
        return self.layers[-1](x)


def observe(n, rng):
    prey = rng.uniform(0.0, 40.0, n)
    temp = rng.uniform(5.0, 35.0, n)
    mass = rng.lognormal(0.0, 0.3, n)
    attack = 0.4 * np.exp(-(((temp - 20.0) / 6.0) ** 2))
    intake = mass**0.75 * attack * prey**2 / (1.0 + 0.02 * prey**2)
    x = np.column_stack([(prey - 20.0) / 11.5, (temp - 20.0) / 8.7, np.log(mass) / 0.3])
    y = intake + rng.normal(0.0, 0.3, n)
    return jnp.asarray(x, jnp.float32), jnp.asarray(y[:, None], jnp.float32)


@nnx.jit
def train_step(model, optimizer, x, y):
    def loss_fn(m):
        return jnp.mean((m(x) - y) ** 2)

    loss, grads = nnx.value_and_grad(loss_fn)(model)
    optimizer.update(model, grads)
    return loss


def main():
    rng = np.random.default_rng(17)
    x_train, y_train = observe(800, rng)
    x_test, y_test = observe(300, rng)
    mean, std = y_train.mean(), y_train.std()

    model = IntakeModel([3, 48, 48, 1], nnx.Rngs(17))
    optimizer = nnx.Optimizer(model, optax.adam(5e-3), wrt=nnx.Param)
    for step in range(700):
        rows = jax.random.randint(jax.random.key(step), (128,), 0, len(x_train))
        loss = train_step(model, optimizer, x_train[rows], (y_train[rows] - mean) / std)
        if step % 100 == 99:
            print(f"step {step + 1} loss {loss:.4f}")

    pred = model(x_test) * std + mean
    print(f"R2 {1.0 - jnp.sum((pred - y_test) ** 2) / jnp.sum((y_test - y_test.mean()) ** 2):.3f}")


if __name__ == "__main__":
    main()
