"""Density of settled snow from depth, age, wind and temperature."""

import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx
from sklearn.metrics import r2_score

rng = np.random.default_rng(44)
n = 1500
depth = rng.uniform(0, 2, n)
age = rng.uniform(0, 3, n)
wind = rng.uniform(0, 1.5, n)
temp = rng.uniform(-2, 0, n)
density = 0.1 + 0.12 * np.log1p(age) * np.exp(0.4 * temp) + 0.08 * np.sqrt(depth) + 0.05 * wind**2
density = density + rng.normal(0, 0.008, n)
x = np.stack([depth, age, wind, temp], 1).astype(np.float32)
y = (density * 10 - 3).astype(np.float32)


class SnowNet(nnx.Module):
    def __init__(self, rngs: nnx.Rngs):
        self.first = nnx.Linear(4, 32, rngs=rngs)
        self.second = nnx.Linear(32, 1, rngs=rngs)

    def __call__(self, x):
        return self.second(nnx.relu(self.first(x))).squeeze(-1)


net = SnowNet(nnx.Rngs(7))
optimizer = nnx.Optimizer(net, optax.sgd(0.01, momentum=0.9), wrt=nnx.Param)


@nnx.jit
def train_step(net, optimizer, xb, yb):
    def loss_fn(net):
        return jnp.mean(jnp.square(net(xb) - yb))

    loss, grads = nnx.value_and_grad(loss_fn)(net)
    optimizer.update(net, grads)
    return loss


for epoch in range(80):
    order = rng.permutation(1200)
    for part in np.split(order, 20):
        loss = train_step(net, optimizer, x[part], y[part])
    if epoch % 20 == 0:
        print(f"epoch {epoch} loss {loss:.4f}")

print("R2 (test):", r2_score(y[1200:], np.asarray(net(x[1200:]))))
