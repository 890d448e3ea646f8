import argparse
from itertools import pairwise

import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx


def rate(ph, substrate, temp):
    """Relative enzyme rate: bell in pH, substrate inhibition, Arrhenius with denaturation."""
    bell = 1 / (1 + 10 ** (5.8 - ph) + 10 ** (ph - 8.1))
    inhibition = substrate / (0.4 + substrate + substrate**2 / 1.5)
    thermal = np.exp(0.06 * (temp - 37)) / (1 + np.exp(0.5 * (temp - 46)))
    return bell * inhibition * thermal


class EnzymeNet(nnx.Module):
    def __init__(self, widths, rngs):
        self.layers = nnx.List([nnx.Linear(i, o, rngs=rngs) for i, o in pairwise(widths)])

    def __call__(self, x):
        for layer in self.layers:
            x = layer(x)
        return x


@nnx.jit
def step(model, opt, x, y):
    loss, grads = nnx.value_and_grad(lambda m: jnp.mean(optax.l2_loss(m(x), y)))(model)
    opt.update(model, grads)
    return loss


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--steps", type=int, default=800)
    parser.add_argument("--lr", type=float, default=8e-3)
    parser.add_argument("--width", type=int, default=32)
    args = parser.parse_args()

    rng = np.random.default_rng(10)
    n = 900
    raw = np.column_stack([rng.uniform(4, 10, n), rng.uniform(0.05, 5, n), rng.uniform(20, 55, n)])
    v = rate(*raw.T)
    v = v * (1 + 0.03 * rng.standard_normal(n))
    x = jnp.asarray((raw - raw.mean(0)) / raw.std(0))
    y = jnp.asarray((v - v.mean()) / v.std())[:, None]

    model = EnzymeNet([3, args.width, args.width, 1], nnx.Rngs(3))
    opt = nnx.Optimizer(model, optax.chain(optax.clip_by_global_norm(1.0), optax.adam(args.lr)), wrt=nnx.Param)
    for i in range(args.steps):
        loss = step(model, opt, x[:700], y[:700])
        if i % 250 == 0:
            print(i, float(loss))

    res = y[700:] - model(x[700:])
    print("R2 (200 assays left out):", float(1 - jnp.mean(res**2) / jnp.var(y[700:])))


if __name__ == "__main__":
    main()
