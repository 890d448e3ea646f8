"""Coupling efficiency between two single-mode fibres with offset, tilt and gap (JAX / Flax NNX)."""

import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx


def efficiency(offset, tilt, gap, w1, w2):
    z = gap / 60.0
    q = 4 * w1**2 * w2**2 / ((w1**2 + w2**2) ** 2 + z**2)
    return q * np.exp(-2 * offset**2 / (w1**2 + w2**2)) * np.exp(-((tilt / 6.0) ** 2))


class Coupler(nnx.Module):
    def __init__(self, rngs):
        init = nnx.initializers.lecun_normal()
        self.a = nnx.Linear(5, 32, kernel_init=init, rngs=rngs)
        self.b = nnx.Linear(32, 32, kernel_init=init, rngs=rngs)
        self.c = nnx.Linear(32, 1, rngs=rngs)

    def __call__(self, x):
        x = jnp.tanh(self.a(x))
        x = jnp.tanh(self.b(x))
        return self.c(x)


@nnx.jit
def train_step(model, optimizer, x, y):
    def loss_fn(m):
        return jnp.mean((m(x) - y) ** 2)

    loss, grads = nnx.value_and_grad(loss_fn)(model)
    optimizer.update(model, grads)
    return loss


def main():
    rng = np.random.default_rng(5)
    n = 1500
    cols = [
        rng.uniform(-6, 6, n),
        rng.uniform(-6, 6, n),
        rng.uniform(0, 1500, n),
        rng.uniform(4, 6, n),
        rng.uniform(4, 6, n),
    ]
    y = efficiency(*cols)[:, None]
    x = np.stack(cols, axis=1)
    x = (x - x.mean(0)) / x.std(0)
    y = (y - y.mean()) / y.std()
    xtr, xte, ytr, yte = x[:1200], x[1200:], y[:1200], y[1200:]

    model = Coupler(nnx.Rngs(0))
    optimizer = nnx.Optimizer(model, optax.adam(2e-3), wrt=nnx.Param)
    for epoch in range(120):
        perm = rng.permutation(1200)
        losses = []
        for k in range(0, 1200, 100):
            idx = perm[k : k + 100]
            losses.append(train_step(model, optimizer, jnp.asarray(xtr[idx]), jnp.asarray(ytr[idx])))
        if epoch % 30 == 29:
            print(epoch + 1, float(jnp.stack(losses).mean()))
    pred = np.asarray(model(jnp.asarray(xte)))
    print("R2", 1 - np.mean((pred - yte) ** 2) / np.var(yte))


if __name__ == "__main__":
    main()
