"""Learn the damped pendulum's angle after one second from its initial state."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx


class Regressor(nnx.Module):
    def __init__(self, n_in: int, width: int, *, rngs: nnx.Rngs):
        self.encode = nnx.Linear(n_in, width, rngs=rngs)
        self.hidden = nnx.Linear(width, width, rngs=rngs)
        self.readout = nnx.Linear(width, 1, rngs=rngs)

    def __call__(self, x):
        h = self.encode(x)
        h = self.hidden(h)
        return self.readout(h)


def swing(angle, velocity, damping, seconds=1.0, steps=200):
    dt = seconds / steps
    for _ in range(steps):
        velocity = velocity - dt * (9.81 * np.sin(angle) + damping * velocity)
        angle = angle + dt * velocity
    return angle


@nnx.jit
def train_step(model, optimizer, x, y):
    def loss_fn(m):
        return jnp.mean((m(x) - y) ** 2)

    loss, grads = nnx.value_and_grad(loss_fn)(model)
    optimizer.update(model, grads)
    return loss


def main():
    rng = np.random.default_rng(8)
    angle = rng.uniform(-2.8, 2.8, 2400)
    velocity = rng.uniform(-2.0, 2.0, 2400)
    damping = rng.uniform(0.0, 1.0, 2400)
    x = np.column_stack([angle / 2.8, velocity / 2.0, damping]).astype(np.float32)
    y = swing(angle, velocity, damping)[:, None].astype(np.float32)
    x_train, x_test, y_train, y_test = x[:2000], x[2000:], y[:2000], y[2000:]

    model = Regressor(3, 64, rngs=nnx.Rngs(0))
    optimizer = nnx.Optimizer(model, optax.adam(6e-3), wrt=nnx.Param)
    key = jax.random.key(1)
    for epoch in range(60):
        key, sub = jax.random.split(key)
        order = np.asarray(jax.random.permutation(sub, len(x_train)))
        losses = []
        for start in range(0, len(order), 100):
            rows = order[start : start + 100]
            losses.append(train_step(model, optimizer, x_train[rows], y_train[rows]))
        if epoch % 12 == 11:
            print(f"epoch {epoch + 1}: loss {float(jnp.stack(losses).mean()):.4f}")

    predicted = np.asarray(model(x_test))
    print("test R2:", 1 - ((predicted - y_test) ** 2).sum() / ((y_test - y_test.mean()) ** 2).sum())


if __name__ == "__main__":
    main()
