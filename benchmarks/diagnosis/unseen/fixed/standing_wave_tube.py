import argparse

import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx


def microphone_scan(n, seed):
    rng = np.random.default_rng(seed)
    position = rng.uniform(0.0, 1.0, n)
    frequency = rng.uniform(180.0, 600.0, n)
    drive = rng.uniform(0.5, 1.5, n)
    k = 2 * np.pi * frequency / 343.0
    amplitude = 900.0 * drive * np.cos(k * (1.0 - position)) * np.exp(-0.3 * position)
    pascal = 101325.0 + amplitude + 15.0 * rng.standard_normal(n)
    x = np.column_stack([2 * position - 1, (frequency - 390) / 120, 2 * (drive - 1)])
    return x.astype("float32"), pascal[:, None].astype("float32")


def build(width, seed):
    rngs = nnx.Rngs(seed)
    return nnx.Sequential(
        nnx.Linear(3, width, rngs=rngs),
        jnp.tanh,
        nnx.Linear(width, width, rngs=rngs),
        jnp.tanh,
        nnx.Linear(width, 1, rngs=rngs),
    )


@nnx.jit
def update(model, optimizer, x, y):
    loss, grads = nnx.value_and_grad(lambda m: optax.squared_error(m(x), y).mean())(model)
    optimizer.update(model, grads)
    return loss


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--steps", type=int, default=900)
    parser.add_argument("--width", type=int, default=32)
    parser.add_argument("--rate", type=float, default=8e-3)
    args = parser.parse_args()

    x, y = microphone_scan(1500, 6)
    y = (y - y[:1200].mean()) / y[:1200].std()
    model = build(args.width, 6)
    optimizer = nnx.Optimizer(model, optax.adam(args.rate), wrt=nnx.Param)
    rng = np.random.default_rng(60)
    for step in range(args.steps):
        rows = rng.integers(0, 1200, 128)
        loss = update(model, optimizer, x[rows], y[rows])
        if step % 150 == 0:
            print(f"step {step} loss {float(loss):.5g}")

    x_test, y_test = x[1200:], y[1200:]
    r2 = 1 - jnp.sum((model(x_test) - y_test) ** 2) / jnp.sum((y_test - y_test.mean()) ** 2)
    print(f"R2 on unseen microphone positions: {float(r2):.3f}")


if __name__ == "__main__":
    main()
