"""Dose response surface of two drugs (Hill kinetics), fitted with a Flax NNX network."""

import argparse

import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx
from sklearn.model_selection import train_test_split


def hill(c, ec50, n):
    return c**n / (ec50**n + c**n)


def make_assay(n=800, seed=3):
    r = np.random.default_rng(seed)
    log_a, log_b = r.uniform(-2, 2, n), r.uniform(-2, 2, n)
    ea, eb = hill(10**log_a, 0.8, 1.4), hill(10**log_b, 2.5, 2.0)
    effect = ea + eb - ea * eb + 0.3 * ea * (1 - eb)
    return np.column_stack([log_a, log_b]).astype("float32"), (effect + r.normal(0, 0.02, n)).astype("float32")


class Surface(nnx.Module):
    def __init__(self, hidden: int, *, rngs: nnx.Rngs):
        self.layers = nnx.Sequential(
            nnx.Linear(2, hidden, rngs=rngs), nnx.tanh, nnx.Linear(hidden, hidden, rngs=rngs), nnx.tanh
        )
        self.readout = nnx.Linear(hidden, 1, rngs=rngs)

    def __call__(self, z):
        return self.readout(self.layers(z))


def loss_fn(net, z, effect):
    return jnp.mean(jnp.square(net(z) - effect))


@nnx.jit
def update(net, opt, z, effect):
    value, grads = nnx.value_and_grad(loss_fn)(net, z, effect)
    opt.update(net, grads)
    return value


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--steps", type=int, default=1200)
    parser.add_argument("--hidden", type=int, default=24)
    cfg = parser.parse_args()
    z, effect = make_assay()
    z_tr, z_te, e_tr, e_te = train_test_split(z, effect, test_size=0.25, random_state=1)
    net = Surface(cfg.hidden, rngs=nnx.Rngs(3))
    schedule = optax.warmup_cosine_decay_schedule(0.0, 1e-2, 100, cfg.steps)
    opt = nnx.Optimizer(net, optax.adam(schedule), wrt=nnx.Param)
    picker = np.random.default_rng(0)
    for step in range(cfg.steps):
        rows = picker.integers(0, len(z_tr), 100)
        value = update(net, opt, z_tr[rows], e_tr[rows])
        if step % 200 == 0:
            print(f"{step:5d}  {float(value):.5f}")
    pred = net(jnp.asarray(z_te)).ravel()
    print("Q2 =", float(1 - jnp.mean((pred - e_te) ** 2) / jnp.var(e_te)))


if __name__ == "__main__":
    main()
