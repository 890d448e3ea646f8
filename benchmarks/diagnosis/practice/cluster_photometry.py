"""Metallicity of cluster members from noisy photometry, three networks averaged."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx

rng = np.random.default_rng(110)
n = 2000
feh = rng.normal(-0.8, 0.5, n)
logg = rng.uniform(1, 4.8, n)
teff = rng.uniform(4200, 6800, n) / 1000
ub = 0.35 * feh + 0.4 * np.tanh(6 - teff) + 0.05 * logg * (teff - 5.5)
bv = 1.9 - 0.28 * teff + 0.06 * feh**2
vi = 2.0 - 0.25 * teff + 0.02 * logg
x = np.column_stack([ub, bv, vi]) + rng.normal(0, 0.06, (n, 3))
x = jnp.asarray((x - x.mean(0)) / x.std(0))
y = jnp.asarray((feh - feh.mean()) / feh.std())[:, None]


def build(seed):
    rngs = nnx.Rngs(seed)
    net = nnx.Sequential(
        nnx.Linear(3, 32, rngs=rngs), nnx.tanh, nnx.Linear(32, 32, rngs=rngs), nnx.tanh, nnx.Linear(32, 1, rngs=rngs)
    )
    return net, nnx.Optimizer(net, optax.adamw(3e-3, weight_decay=1e-2), wrt=nnx.Param)


@nnx.jit
def step(net, opt, x, y):
    loss, grads = nnx.value_and_grad(lambda m: jnp.mean((m(x) - y) ** 2))(net)
    opt.update(net, grads)
    return loss


members = []
for seed in range(3):
    net, opt = build(seed)
    shuffler = np.random.default_rng(seed)
    for epoch in range(15):
        for rows in shuffler.permutation(1500).reshape(-1, 75):
            loss = step(net, opt, x[rows], y[rows])
    print("member", seed, "loss", float(loss))
    members.append(net)

preds = jnp.stack([net(x[1500:]) for net in members])
truth = y[1500:]
print("spread", float(preds.std(0).mean()))
print("R2 of the mean", float(1 - jnp.sum((preds.mean(0) - truth) ** 2) / jnp.sum((truth - truth.mean()) ** 2)))
