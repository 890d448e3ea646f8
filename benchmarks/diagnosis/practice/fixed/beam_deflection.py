"""Mid-span deflection of a simply supported beam with an off-centre load."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx

WARMUP = 50
PEAK = 4e-3


class Beam(nnx.Module):
    def __init__(self, width, rngs):
        self.l1 = nnx.Linear(5, width, rngs=rngs)
        self.l2 = nnx.Linear(width, width, rngs=rngs)
        self.l3 = nnx.Linear(width, 1, rngs=rngs)

    def __call__(self, x):
        return self.l3(nnx.gelu(self.l2(nnx.gelu(self.l1(x)))))[:, 0]


def sample(rng, n):
    load = rng.uniform(1e3, 2e4, n)  # N
    span = rng.uniform(2.0, 8.0, n)  # m
    position = rng.uniform(0.1, 0.5, n)  # share of the span
    modulus = rng.uniform(7e10, 2.1e11, n)  # Pa
    inertia = rng.uniform(5e-6, 6e-5, n)  # m^4
    a = position * span
    w = load * a * (3 * span**2 - 4 * a**2) / (48 * modulus * inertia)
    return np.stack([load, span, position, modulus, inertia], 1), np.log(w)


adam = optax.scale_by_adam()


@nnx.jit
def step(model, opt_state, rate, x, y):
    loss, grads = nnx.value_and_grad(lambda m: optax.l2_loss(m(x), y).mean())(model)
    params = nnx.state(model, nnx.Param)
    updates, opt_state = adam.update(grads, opt_state, params)
    updates = jax.tree.map(lambda u: -rate * u, updates)
    nnx.update(model, optax.apply_updates(params, updates))
    return opt_state, loss


rng = np.random.default_rng(6)
x, y = sample(rng, 1000)
x = jnp.asarray((x - x[:800].mean(0)) / x[:800].std(0), dtype=jnp.float32)
y = jnp.asarray((y - y[:800].mean()) / y[:800].std(), dtype=jnp.float32)

model = Beam(48, nnx.Rngs(6))
opt_state = adam.init(nnx.state(model, nnx.Param))
for it in range(800):
    rate = PEAK * 10 ** (-3 * (1 - it / WARMUP)) if it < WARMUP else PEAK * 0.998 ** (it - WARMUP)
    opt_state, loss = step(model, opt_state, rate, x[:800], y[:800])
    if it % 100 == 0:
        print(f"it {it:4d}  rate {rate:.5f}  loss {float(loss):.5f}")

pred = model(x[800:])
print("R2 on unseen beams:", round(float(1 - jnp.var(y[800:] - pred) / jnp.var(y[800:])), 3))
