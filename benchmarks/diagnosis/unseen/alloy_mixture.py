import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx

ELEMENTS = ["Fe", "Cr", "Ni", "Mo", "Mn"]
DENSITY = np.array([7.87, 7.19, 8.91, 10.28, 7.43])
HEAT = np.array([0.449, 0.449, 0.444, 0.251, 0.479])


def melts(n, seed):
    rng = np.random.default_rng(seed)
    parts = rng.dirichlet([6.0, 2.0, 2.0, 1.0, 1.0], n)
    scatter = rng.standard_normal((n, 2)) * [0.03, 0.003]
    props = np.stack([parts @ DENSITY, parts @ HEAT], axis=1) + scatter
    return parts.astype("float32"), props.astype("float32")


class Mixture(nnx.Module):
    def __init__(self, rngs: nnx.Rngs):
        self.blend = nnx.Linear(len(ELEMENTS), 8, rngs=rngs)
        self.read = nnx.Linear(8, 2, rngs=rngs)

    def __call__(self, parts):
        return self.read(self.blend(parts))


parts, props = melts(500, 19)
x = jnp.asarray((parts - parts.mean(0)) / parts.std(0))
y = jnp.asarray((props - props.mean(0)) / props.std(0))
model = Mixture(nnx.Rngs(19))
graph, params = nnx.split(model, nnx.Param)
tx = optax.sgd(0.02)
state = tx.init(params)


def loss_fn(params, x, y):
    return jnp.mean((nnx.merge(graph, params)(x) - y) ** 2)


@nnx.jit
def step(params, state, x, y):
    loss, grads = nnx.value_and_grad(loss_fn)(params, x, y)
    updates, state = tx.update(grads, state, params)
    return optax.apply_updates(params, updates), state, loss


rng = np.random.default_rng(190)
for epoch in range(60):
    for rows in np.split(rng.permutation(500), 10):
        params, state, loss = step(params, state, x[rows], y[rows])
    if epoch % 10 == 0:
        print(f"epoch {epoch} loss {float(loss):.4f}")

nnx.update(model, params)
resid = model(x) - y
print("R2 density, specific heat:", np.round(1 - np.asarray((resid**2).mean(0) / y.var(0)), 3))
