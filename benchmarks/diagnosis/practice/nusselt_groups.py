import argparse

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx


def correlation(re, pr):
    return 0.3 + 0.62 * re**0.5 * pr ** (1 / 3) / (1 + (0.4 / pr) ** (2 / 3)) ** 0.25


class Net(nnx.Module):
    def __init__(self, depth, width, rngs):
        self.layers = nnx.List([nnx.Linear(2 if i == 0 else width, width, rngs=rngs) for i in range(depth)])
        self.head = nnx.Linear(width, 1, kernel_init=nnx.initializers.zeros, rngs=rngs)

    def __call__(self, x):
        for layer in self.layers:
            x = nnx.relu(layer(x))
        return self.head(x)


@nnx.jit
def train_step(model, optimizer, batch):
    x, y = batch

    def loss_fn(model):
        pred = model(x).squeeze(-1)
        return optax.huber_loss(pred, y, delta=3.0).mean()

    loss, grads = nnx.value_and_grad(loss_fn)(model)
    optimizer.update(model, grads)
    return loss


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--steps", type=int, default=1500)
    parser.add_argument("--lr", type=float, default=1e-2)
    args = parser.parse_args()

    key = jax.random.key(3)
    k1, k2, k3 = jax.random.split(key, 3)
    log_re = jax.random.uniform(k1, (2000,), minval=1.0, maxval=4.0)
    log_pr = jax.random.uniform(k2, (2000,), minval=-0.5, maxval=1.5)
    x = jnp.stack([log_re, log_pr], axis=1)
    y = jnp.log(correlation(10**log_re, 10**log_pr)) + 0.1 * jax.random.normal(k3, (2000,))
    model = Net(2, 48, nnx.Rngs(3))
    lr = optax.exponential_decay(args.lr, 100, 0.8)
    optimizer = nnx.Optimizer(model, optax.adam(lr), wrt=nnx.Param)
    rng = np.random.default_rng(0)
    for i in range(args.steps):
        idx = rng.integers(0, 1600, 64)
        loss = train_step(model, optimizer, (x[idx], y[idx]))
        if i % 300 == 0:
            print(f"step {i} loss {loss:.4f}")
    res = model(x[1600:]).squeeze(-1) - y[1600:]
    print(f"R2 {1 - (res**2).sum() / ((y[1600:] - y[1600:].mean()) ** 2).sum():.4f}")


if __name__ == "__main__":
    main()
