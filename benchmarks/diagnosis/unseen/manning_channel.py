import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx

rng = np.random.default_rng(4)


def manning(width, depth, slope, roughness):
    """Discharge in a rectangular channel, m3/s."""
    area = width * depth
    radius = area / (width + 2 * depth)
    return area * radius ** (2 / 3) * np.sqrt(slope) / roughness


n = 1000
width = rng.uniform(1, 8, n)
depth = rng.uniform(0.3, 3, n)
slope = 10 ** rng.uniform(-4, -2, n)
roughness = rng.uniform(0.012, 0.04, n)
log_q = np.log(manning(width, depth, slope, roughness)) + rng.normal(0, 0.05, n)

table = np.column_stack([width, depth, np.log10(slope), roughness])
X = jnp.asarray((table - table.mean(0)) / table.std(0))
Y = jnp.asarray((log_q - log_q.mean()) / log_q.std())[:, None]
X_train, Y_train, X_test, Y_test = X[:800], Y[:800], X[800:], Y[800:]


class Channel(nnx.Module):
    def __init__(self, rngs):
        self.hidden1 = nnx.Linear(4, 32, rngs=rngs)
        self.hidden2 = nnx.Linear(32, 32, rngs=rngs)
        self.head = nnx.Linear(32, 1, rngs=rngs)

    def __call__(self, x):
        x = nnx.relu(self.hidden1(x))
        x = nnx.relu(self.hidden2(x))
        return self.head(x)


model = Channel(nnx.Rngs(0))
optimizer = nnx.Optimizer(model, optax.adam(3e-3), wrt=nnx.Param)


def loss_fn(model, x, y):
    return jnp.mean((model(x) - y) ** 2)


@jax.jit
def train_step(model, optimizer, x, y):
    loss, grads = nnx.value_and_grad(loss_fn)(model, x, y)
    optimizer.update(model, grads)
    return loss


for epoch in range(40):
    order = rng.permutation(len(X_train))
    losses = []
    for k in range(0, len(order), 80):
        idx = order[k : k + 80]
        losses.append(float(train_step(model, optimizer, X_train[idx], Y_train[idx])))
    if epoch % 8 == 0:
        print("epoch", epoch, "loss", np.mean(losses))

residual = Y_test - model(X_test)
print("test R2", float(1 - jnp.sum(residual**2) / jnp.sum((Y_test - Y_test.mean()) ** 2)))
