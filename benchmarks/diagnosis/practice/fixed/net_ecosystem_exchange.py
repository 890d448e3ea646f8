"""Half-hourly CO2 flux of a grassland (uptake by day, release by night) from weather."""

import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx


class FluxNet(nnx.Module):
    def __init__(self, n_in, width, rngs):
        self.first = nnx.Linear(n_in, width, rngs=rngs)
        self.second = nnx.Linear(width, width, rngs=rngs)
        self.last = nnx.Linear(width, 1, rngs=rngs)

    def __call__(self, x):
        x = nnx.gelu(self.first(x))
        x = nnx.gelu(self.second(x))
        return self.last(x)


rng = np.random.default_rng(31)
n = 1600
hour = rng.uniform(0, 24, n)
radiation = np.maximum(0, np.sin((hour - 6) / 12 * np.pi)) * rng.uniform(0.3, 1.0, n)
air = 14 + 7 * np.sin((hour - 9) / 12 * np.pi) + rng.normal(0, 3, n)
soil = rng.uniform(0.1, 0.45, n)
uptake = 2.4 * radiation / (radiation + 0.35) * soil / (soil + 0.08)
release = 0.5 * 2.0 ** ((air - 14) / 10)
flux = release - uptake + rng.normal(0, 0.08, n)

x = np.column_stack([radiation * 2 - 0.6, (air - 14) / 6, (soil - 0.27) / 0.1])
x = x.astype(np.float32)
y = flux[:, None].astype(np.float32)
x_train, y_train, x_test, y_test = x[:1300], y[:1300], x[1300:], y[1300:]

model = FluxNet(3, 24, rngs=nnx.Rngs(31))
optimizer = nnx.Optimizer(model, optax.adam(5e-3), wrt=nnx.Param)


@nnx.jit
def train_step(model, optimizer, xb, yb):
    def loss_fn(model):
        return jnp.mean((model(xb) - yb) ** 2)

    loss, grads = nnx.value_and_grad(loss_fn)(model)
    optimizer.update(model, grads)
    return loss


for epoch in range(30):
    order = rng.permutation(1300)
    losses = [train_step(model, optimizer, x_train[r], y_train[r]) for r in np.split(order, 10)]
    if epoch % 10 == 0:
        print(f"epoch {epoch}: mse {np.mean(losses):.4f}")

left = y_test - model(x_test)
r2 = 1 - jnp.sum(left**2) / jnp.sum((y_test - y_test.mean()) ** 2)
print(f"R2 over {len(y_test)} held-out half hours: {r2:.3f}")
