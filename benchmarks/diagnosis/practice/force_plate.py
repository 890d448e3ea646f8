"""Calibration of a six-gauge force plate: three force components from the bridge voltages (Flax NNX)."""

import argparse

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx


def bench(n, seed):
    rng = np.random.default_rng(seed)
    force = rng.uniform([-200, -200, 0], [200, 200, 900], size=(n, 3))  # N
    coupling = rng.normal(0, 0.3, (3, 6)) + np.kron(np.eye(3), [1.0, -0.8])
    volts = force / 300 @ coupling + rng.normal(0, 0.08, (n, 6))
    return volts.astype(np.float32), (force / 300).astype(np.float32)


class Plate(nnx.Module):
    def __init__(self, rngs: nnx.Rngs):
        self.matrix = nnx.Linear(6, 3, rngs=rngs)

    def __call__(self, v):
        return self.matrix(v)


def loss_fn(model, v, f):
    return jnp.mean(jnp.sum((model(v) - f) ** 2, axis=-1))


@nnx.jit
def update(model, optimizer, v, f):
    loss, grads = nnx.value_and_grad(loss_fn)(model, v, f)
    optimizer.update(model, grads)
    return loss


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--steps", type=int, default=1500)
    parser.add_argument("--rate", type=float, default=0.01)
    args = parser.parse_args()

    volts, force = bench(1000, seed=3)
    v_train, v_test = jnp.asarray(volts[:800]), jnp.asarray(volts[800:])
    f_train, f_test = jnp.asarray(force[:800]), jnp.asarray(force[800:])

    model = Plate(nnx.Rngs(3))
    optimizer = nnx.Optimizer(model, optax.sgd(args.rate, momentum=0.9), wrt=nnx.Param)
    key = jax.random.key(3)
    for step in range(args.steps):
        key, sub = jax.random.split(key)
        rows = jax.random.randint(sub, (80,), 0, 800)
        loss = update(model, optimizer, v_train[rows], f_train[rows])
        if step % 300 == 0:
            print(f"step {step:4d} loss {loss:.5f}")

    rest = jnp.sum((model(v_test) - f_test) ** 2, axis=0)
    spread = jnp.sum((f_test - f_test.mean(axis=0)) ** 2, axis=0)
    r2 = 1 - rest / spread
    print("R2 Fx Fy Fz:", " ".join(f"{float(r):.4f}" for r in r2), f"mean {float(r2.mean()):.4f}")


if __name__ == "__main__":
    main()
