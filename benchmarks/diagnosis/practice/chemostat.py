import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx
from sklearn.metrics import r2_score
from sklearn.model_selection import train_test_split

# Steady-state biomass of a chemostat with Haldane growth, from dilution rate, feed and inhibition.


def steady_biomass(dilution, feed, inhibition):
    lo, hi = np.zeros_like(feed), np.minimum(feed, np.sqrt(0.3 * inhibition))
    for _ in range(60):
        mid = 0.5 * (lo + hi)
        growth = 0.9 * mid / (0.3 + mid + mid**2 / inhibition)
        lo, hi = np.where(growth < dilution, mid, lo), np.where(growth < dilution, hi, mid)
    return 0.5 * (feed - lo) * np.exp(-0.4 * dilution * feed / inhibition)


rng = np.random.default_rng(4)
dilution = rng.uniform(0.05, 0.4, 1600)
feed = rng.uniform(1.0, 6.0, 1600)
inhibition = rng.uniform(1.0, 8.0, 1600)
biomass = steady_biomass(dilution, feed, inhibition) + rng.normal(0, 0.02, 1600)
inputs = np.column_stack([dilution, feed, inhibition])
inputs = (inputs - inputs.mean(0)) / inputs.std(0)
target = (biomass - biomass.mean()) / biomass.std()
x_train, x_test, y_train, y_test = train_test_split(
    inputs.astype("float32"), target.astype("float32")[:, None], test_size=0.2, random_state=0
)

rngs = nnx.Rngs(12)
model = nnx.Sequential(
    nnx.Linear(3, 48, rngs=rngs), nnx.relu, nnx.Linear(48, 48, rngs=rngs), nnx.relu, nnx.Linear(48, 1, rngs=rngs)
)
optimizer = nnx.Optimizer(model, optax.adamw(3e-3, weight_decay=1e-5), wrt=nnx.Param)


def mse(model, x, y):
    return jnp.square(model(x) - y).mean()


@jax.jit
def step(model, optimizer, x, y):
    loss, grads = nnx.value_and_grad(mse)(model, x, y)
    optimizer.update(model, grads)
    return loss


history = []
for epoch in range(60):
    for rows in np.array_split(rng.permutation(len(x_train)), 20):
        history.append(float(step(model, optimizer, x_train[rows], y_train[rows])))
    if (epoch + 1) % 15 == 0:
        print(
            f"epoch {epoch + 1}  mean loss {np.mean(history[-20:]):.4f}  valid {float(mse(model, x_test, y_test)):.4f}"
        )

print(f"R2 = {r2_score(y_test, np.asarray(model(x_test))):.3f}")
