"""Tumour volume after treatment, from dose, schedule and growth markers."""

import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx
from sklearn.metrics import r2_score

rng = np.random.default_rng(14)


def patients(n):
    z = rng.normal(size=(n, 10)).astype(np.float32)
    growth = np.tanh(z[:, 0] + 0.5 * z[:, 1])
    kill = 1.0 / (1.0 + np.exp(-2.0 * (z[:, 2] - 0.5 * z[:, 3])))
    y = 1.2 * growth - 1.5 * kill * (1.0 + 0.5 * z[:, 4]) + 0.4 * z[:, 0] * z[:, 2]
    y = y + rng.normal(0.0, 0.1, n)
    return jnp.asarray(z), jnp.asarray(y[:, None], dtype=jnp.float32)


class Encoder(nnx.Module):
    def __init__(self, rngs):
        self.a = nnx.Linear(10, 64, rngs=rngs)
        self.b = nnx.Linear(64, 6, rngs=rngs)

    def __call__(self, x):
        return nnx.tanh(self.b(nnx.gelu(self.a(x))))


class VolumeModel(nnx.Module):
    def __init__(self, rngs):
        self.encoder = Encoder(rngs)
        self.hidden = nnx.Linear(6, 32, rngs=rngs)
        self.out = nnx.Linear(32, 1, rngs=rngs)

    def predict(self, code):
        return self.out(nnx.gelu(self.hidden(code)))

    def __call__(self, x):
        return self.predict(self.encoder(x))


@nnx.jit
def update(model, optimizer, x, y):
    def objective(m):
        return jnp.mean(jnp.square(m(x) - y))

    value, grads = nnx.value_and_grad(objective)(model)
    optimizer.update(model, grads)
    return value


x_train, y_train = patients(1200)
x_test, y_test = patients(500)
model = VolumeModel(nnx.Rngs(params=7))
optimizer = nnx.Optimizer(model, optax.adam(5e-3), wrt=nnx.Param)

for epoch in range(25):
    order = rng.permutation(len(x_train))
    for rows in np.array_split(order, 12):
        value = update(model, optimizer, x_train[rows], y_train[rows])
    if epoch % 5 == 4:
        held = r2_score(np.asarray(y_test), np.asarray(model(x_test)))
        print(f"epoch {epoch + 1:2d}  loss {float(value):.4f}  held-out R2 {held:.3f}")
