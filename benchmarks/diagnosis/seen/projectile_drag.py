"""Range of a projectile with quadratic drag, learned with Flax NNX."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx


def shoot(v0, angle, drag, dt=0.01, steps=600):
    vx, vy = v0 * np.cos(angle), v0 * np.sin(angle)
    x, y = np.zeros_like(v0), np.zeros_like(v0)
    for _ in range(steps):
        flying = y >= 0
        speed = np.hypot(vx, vy)
        x = np.where(flying, x + dt * vx, x)
        y = np.where(flying, y + dt * vy, y)
        vx = vx - dt * drag * speed * vx
        vy = vy - dt * (9.81 + drag * speed * vy)
    return x


class Net(nnx.Module):
    def __init__(self, rngs):
        self.lin1 = nnx.Linear(3, 32, rngs=rngs)
        self.lin2 = nnx.Linear(32, 32, rngs=rngs)
        self.out = nnx.Linear(32, 1, rngs=rngs)

    def __call__(self, x):
        x = nnx.relu(self.lin1(x))
        x = nnx.relu(self.lin2(x))
        return self.out(x)


rng = np.random.default_rng(4)
n = 1200
v0 = rng.uniform(5, 25, n)
angle = np.radians(rng.uniform(10, 80, n))
drag = rng.uniform(0.0, 0.1, n)
x = np.column_stack([v0, angle, drag])
y = shoot(v0, angle, drag)[:, None]
x = jnp.asarray((x - x.mean(0)) / x.std(0), jnp.float32)
y = jnp.asarray((y - y.mean()) / y.std(), jnp.float32)
x_train, y_train, x_test, y_test = x[:1000], y[:1000], x[1000:], y[1000:]

model = Net(rngs=nnx.Rngs(0))
optimizer = nnx.Optimizer(model, optax.adam(3e-3), wrt=nnx.Param)


def loss_fn(model, xb, yb):
    return jnp.mean((model(xb) - yb) ** 2)


@jax.jit
def train_step(model, optimizer, xb, yb):
    loss, grads = nnx.value_and_grad(loss_fn)(model, xb, yb)
    optimizer.update(model, grads)
    return loss


for epoch in range(40):
    order = rng.permutation(1000)
    losses = []
    for i in range(0, 1000, 50):
        idx = order[i : i + 50]
        losses.append(train_step(model, optimizer, x_train[idx], y_train[idx]))
    if epoch % 10 == 0:
        print(f"epoch {epoch} loss {np.mean(losses):.4f}")

mse = loss_fn(model, x_test, y_test)
print(f"test R2: {1 - float(mse / jnp.var(y_test)):.3f}")
