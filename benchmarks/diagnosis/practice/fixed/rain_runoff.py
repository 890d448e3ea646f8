"""Runoff of a small basin from the last days of rain."""

import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx

WINDOW = 8
rng = np.random.default_rng(28)
days = 1600
rain = np.where(rng.random(days) < 0.45, rng.gamma(1.2, 8.0, days), 0.0)
unit = np.array([0.02, 0.10, 0.26, 0.28, 0.16, 0.10, 0.05, 0.03])
wetness = np.convolve(rain, unit)[:days]
flow = 0.5 + wetness**1.6 / 8 + rng.normal(0, 0.1, days)

windows = np.lib.stride_tricks.sliding_window_view(rain, WINDOW)
target = flow[WINDOW - 1 :]
x = jnp.asarray(windows / rain.std(), jnp.float32)
y = jnp.asarray((target - target.mean()) / target.std(), jnp.float32)[:, None]
cut = 1200


class Runoff(nnx.Module):
    def __init__(self, rngs: nnx.Rngs):
        self.inp = nnx.Linear(WINDOW, 32, rngs=rngs)
        self.mid = nnx.Linear(32, 16, rngs=rngs)
        self.out = nnx.Linear(16, 1, rngs=rngs)

    def __call__(self, x):
        x = nnx.gelu(self.inp(x))
        x = nnx.gelu(self.mid(x))
        return self.out(x)


@nnx.jit
def update(model, opt, x, y):
    loss, grads = nnx.value_and_grad(lambda m: optax.l2_loss(m(x), y).mean())(model)
    opt.update(model, grads)
    return loss


model = Runoff(nnx.Rngs(28))
opt = nnx.Optimizer(model, optax.adamw(3e-3, weight_decay=1e-3), wrt=nnx.Param)
for epoch in range(40):
    for i in np.split(rng.permutation(cut), 24):
        loss = update(model, opt, x[i], y[i])
    if epoch % 8 == 0:
        print(epoch, "batch loss", float(loss))

pred, true = model(x[cut:]), y[cut:]
nse = 1 - jnp.sum((pred - true) ** 2) / jnp.sum((true - true.mean()) ** 2)
print("Nash-Sutcliffe", float(nse))
