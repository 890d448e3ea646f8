import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx


class PowerCurve(nnx.Module):
    def __init__(self, rngs):
        self.first = nnx.Linear(3, 64, rngs=rngs)
        self.second = nnx.Linear(64, 64, rngs=rngs)
        self.third = nnx.Linear(64, 1, rngs=rngs)

    def __call__(self, x):
        x = self.first(x)
        x = self.second(x)
        return self.third(x)


def tidal_data(n, seed):
    rng = np.random.default_rng(seed)
    speed = rng.uniform(-2.8, 2.8, n)
    yaw = rng.uniform(-0.6, 0.6, n)
    temperature = rng.uniform(4.0, 18.0, n)
    density = 1028.0 - 0.2 * (temperature - 10.0)
    power = 0.5 * density * 12.0 * 0.38 * np.abs(speed) ** 3 * np.cos(yaw) ** 3 / 1e3
    power = np.minimum(power, 35.0) + 0.5 * rng.standard_normal(n)
    x = np.column_stack([speed / 1.6, yaw / 0.35, (temperature - 11.0) / 4.0])
    return x.astype(np.float32), power.astype(np.float32)[:, None]


@nnx.jit
def train_step(model, optimizer, x, y):
    def loss_fn(m):
        return jnp.mean((m(x) - y) ** 2)

    loss, grads = nnx.value_and_grad(loss_fn)(model)
    optimizer.update(model, grads)
    return loss


x, y = tidal_data(1200, 8)
y = (y - y[:900].mean()) / y[:900].std()
model = PowerCurve(nnx.Rngs(8))
optimizer = nnx.Optimizer(model, optax.adam(2e-3), wrt=nnx.Param)
rng = np.random.default_rng(80)
for epoch in range(40):
    order = rng.permutation(900)
    losses = []
    for start in range(0, 900, 60):
        rows = order[start : start + 60]
        losses.append(float(train_step(model, optimizer, x[rows], y[rows])))
    if epoch % 8 == 0:
        print(f"epoch {epoch:2d} loss {np.mean(losses):.4f}")

pred = jax.device_get(model(jnp.asarray(x[900:])))
print("R2:", 1 - np.sum((pred - y[900:]) ** 2) / np.sum((y[900:] - y[900:].mean()) ** 2))
