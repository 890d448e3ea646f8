import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

BASE_RATE = 0.2
WARMUP = 600
STEPS = 1600

rng = np.random.default_rng(19)
temp = rng.uniform(320, 380, 700)
resid = rng.uniform(0.5, 8.0, 700)
ratio = rng.uniform(0.8, 2.5, 700)
k1 = 0.5 * np.exp(-5200 * (1 / temp - 1 / 350))
k2 = 0.12 * np.exp(-9000 * (1 / temp - 1 / 350))
gain = k1 / (k2 - k1) * (np.exp(-k1 * resid) - np.exp(-k2 * resid)) * ratio / (0.4 + ratio)
table = np.column_stack([temp, resid, ratio, gain + rng.normal(0, 0.01, 700)])
table = jnp.asarray((table - table[:500].mean(axis=0)) / table[:500].std(axis=0))
x_fit, y_fit = table[:500, :3], table[:500, 3]
x_new, y_new = table[500:, :3], table[500:, 3]

mlp = nnx.Sequential(
    nnx.Linear(3, 48, rngs=nnx.Rngs(2)),
    nnx.tanh,
    nnx.Linear(48, 48, rngs=nnx.Rngs(3)),
    nnx.tanh,
    nnx.Linear(48, 1, rngs=nnx.Rngs(4)),
)
graph, params = nnx.split(mlp)
rate = BASE_RATE / WARMUP


def mse(params, x, y):
    pred = nnx.merge(graph, params)(x)[:, 0]
    return jnp.mean(jnp.square(pred - y))


@jax.jit
def sgd_step(params, velocity, x, y):
    loss, grads = jax.value_and_grad(mse)(params, x, y)
    velocity = jax.tree.map(lambda v, g: 0.5 * v + g, velocity, grads)
    params = jax.tree.map(lambda p, v: p - rate * v, params, velocity)
    return params, velocity, loss


velocity = jax.tree.map(jnp.zeros_like, params)
for step in range(STEPS):
    rate = BASE_RATE * min(1.0, (step + 1) / WARMUP)
    if step > STEPS * 2 // 3:
        rate = 0.3 * BASE_RATE
    rows = rng.integers(0, 500, 100)
    params, velocity, loss = sgd_step(params, velocity, x_fit[rows], y_fit[rows])
    if step % 300 == 0:
        print(f"step {step:5d} rate {rate:.5f} loss {float(loss):.4f}")

print("test R2", 1 - float(mse(params, x_new, y_new) / jnp.var(y_new)))
