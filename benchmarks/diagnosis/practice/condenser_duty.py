"""Condensation heat transfer coefficient from operating data (Flax NNX)."""

from functools import partial

import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx

rng = np.random.default_rng(77)


def nusselt(p, dt, d, flow, inert):
    tsat = 373.15 / (1 - 0.0766 * np.log(p / 101325))
    hfg = 2.257e6 * ((647 - tsat) / (647 - 373.15)) ** 0.38
    mu = 2.8e-4 * np.exp(-(tsat - 373.15) / 60)
    h = 0.729 * (950**2 * 9.81 * hfg * 0.68**3 / (mu * dt * d)) ** 0.25
    return h * (1 + 0.3 * np.sqrt(flow / 2e4)) * np.exp(-30 * inert)


n = 1600
X = np.stack(
    [
        rng.uniform(5e3, 4e5, n),  # Pa
        rng.uniform(2, 25, n),  # K
        rng.uniform(0.012, 0.032, n),  # m
        rng.uniform(2e3, 4e4, n),  # kg/h
        rng.uniform(0, 0.03, n),  # mole fraction
    ],
    axis=1,
).astype(np.float32)
h = nusselt(*X.T.astype(np.float64))
y = ((h - h.mean()) / h.std()).astype(np.float32)[:, None]
Xtr, Xte, ytr, yte = X[:1300], X[1300:], y[:1300], y[1300:]


class MLP(nnx.Module):
    def __init__(self, din, width, *, rngs):
        self.l1 = nnx.Linear(din, width, rngs=rngs)
        self.l2 = nnx.Linear(width, width, rngs=rngs)
        self.l3 = nnx.Linear(width, 1, rngs=rngs)

    def __call__(self, x):
        x = nnx.silu(self.l1(x))
        x = nnx.silu(self.l2(x))
        return self.l3(x)


def mse(model, x, y):
    return jnp.mean(optax.squared_error(model(x), y))


@partial(nnx.jit, donate_argnums=())
def step(model, opt, x, y):
    loss, grads = nnx.value_and_grad(mse)(model, x, y)
    opt.update(model, grads)
    return loss


model = MLP(5, 48, rngs=nnx.Rngs(1))
schedule = optax.cosine_decay_schedule(3e-3, 100 * 13)
opt = nnx.Optimizer(model, optax.chain(optax.clip_by_global_norm(1.0), optax.adam(schedule)), wrt=nnx.Param)
for epoch in range(100):
    order = rng.permutation(1300).reshape(13, 100)
    losses = [step(model, opt, Xtr[i], ytr[i]) for i in order]
    if (epoch + 1) % 25 == 0:
        print(f"epoch {epoch + 1} loss {float(np.mean(losses)):.4f}")

pred = np.asarray(model(jnp.asarray(Xte)))
print(f"R2 {1 - ((pred - yte) ** 2).sum() / ((yte - yte.mean()) ** 2).sum():.4f}")
