"""Next reading of a pump vibration signal, sliding windows, Flax NNX."""

import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx

rng = np.random.default_rng(30)
steps, width = 1500, 12
signal = np.zeros(steps)
drive = np.sin(0.35 * np.arange(steps)) + 0.5 * np.sin(0.83 * np.arange(steps) + 1)
for t in range(2, steps):
    signal[t] = 1.1 * np.tanh(signal[t - 1]) - 0.5 * signal[t - 2] + 0.4 * drive[t] + rng.normal(0, 0.35)

windows = np.lib.stride_tricks.sliding_window_view(signal[:-1], width)
x = jnp.asarray(windows, jnp.float32)
y = jnp.asarray(signal[width:], jnp.float32)[:, None]
split = 1200
x_train, y_train, x_test, y_test = x[:split], y[:split], x[split:], y[split:]


class Predictor(nnx.Module):
    def __init__(self, rngs: nnx.Rngs):
        self.hidden = nnx.Linear(width, 24, rngs=rngs)
        self.drop = nnx.Dropout(0.05, rngs=rngs)
        self.out = nnx.Linear(24, 1, rngs=rngs)

    def __call__(self, x):
        return self.out(self.drop(nnx.relu(self.hidden(x))))


model = Predictor(nnx.Rngs(30))
tx = optax.chain(optax.clip_by_global_norm(5.0), optax.adamw(2e-3, weight_decay=1e-3))
optimizer = nnx.Optimizer(model, tx, wrt=nnx.Param)


@nnx.jit
def train_step(model, optimizer, xb, yb):
    def mse(m):
        return jnp.square(m(xb) - yb).mean()

    value, grads = nnx.value_and_grad(mse)(model)
    optimizer.update(model, grads)
    return value


for epoch in range(30):
    model.train()
    for idx in rng.permutation(split).reshape(-1, 40):
        value = train_step(model, optimizer, x_train[idx], y_train[idx])
    if epoch % 6 == 0:
        model.eval()
        test_mse = jnp.square(model(x_test) - y_test).mean()
        print(f"epoch {epoch:2d} batch mse {float(value):.4f} test mse {float(test_mse):.4f}")

model.eval()
test_mse = jnp.square(model(x_test) - y_test).mean()
print(f"R2 {1 - float(test_mse / y_test.var()):.3f}")
