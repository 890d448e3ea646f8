import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx

R = 8.314


class DensityNet(nnx.Module):
    def __init__(self, rngs):
        self.l1 = nnx.Linear(3, 32, rngs=rngs)
        self.l2 = nnx.Linear(32, 32, rngs=rngs)
        self.l3 = nnx.Linear(32, 1, rngs=rngs)

    def __call__(self, x):
        x = nnx.tanh(self.l1(x))
        x = nnx.tanh(self.l2(x))
        return self.l3(x)


def sample(n, seed):
    rng = np.random.default_rng(seed)
    pressure = rng.uniform(1e5, 4e6, n)
    temperature = rng.uniform(300.0, 520.0, n)
    molar = rng.uniform(0.016, 0.058, n)
    b = 1.5e-3 * molar + 1.0e-5
    second = b - 0.35 / (R * temperature)
    rho = pressure * molar / (R * temperature * (1 + second * pressure / (R * temperature)))
    x = np.stack([pressure, temperature, molar], axis=1)
    return x.astype(np.float32), (rho * (1 + rng.normal(0, 0.01, n))).astype(np.float32)[:, None]


@nnx.jit
def train_step(model, optimizer, x, y):
    def loss_fn(m):
        return jnp.mean((m(x) - y) ** 2)

    loss, grads = nnx.value_and_grad(loss_fn)(model)
    optimizer.update(model, grads)
    return loss


x_train, y_train = sample(768, 0)
x_test, y_test = sample(256, 1)
mu, sd = y_train.mean(), y_train.std()
z_train = (y_train - mu) / sd

model = DensityNet(nnx.Rngs(0))
optimizer = nnx.Optimizer(model, optax.adam(4e-3), wrt=nnx.Param)
key = jax.random.key(5)
for epoch in range(80):
    key, sub = jax.random.split(key)
    order = np.asarray(jax.random.permutation(sub, len(x_train)))
    for batch in order.reshape(-1, 96):
        loss = train_step(model, optimizer, x_train[batch], z_train[batch])
    if epoch % 20 == 0:
        print(f"epoch {epoch} loss {float(loss):.4f}")

rho_hat = np.asarray(model(x_test)) * sd + mu
print("R2:", 1 - np.mean((rho_hat - y_test) ** 2) / np.var(y_test))
