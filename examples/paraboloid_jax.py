"""The network of paraboloid_torch.py in Flax NNX and Optax, with the same mistakes: it does not learn either.

Find out why: `parity diagnose examples/paraboloid_jax.py`
"""

import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx
from sklearn.metrics import r2_score
from sklearn.model_selection import train_test_split

np.random.seed(0)

x = np.random.random(1000)
y = np.random.random(1000)
z = x**2 + y**2

inputs = np.column_stack([x, y])
x_train, x_test, z_train, z_test = map(jnp.asarray, train_test_split(inputs, z, test_size=0.15, random_state=42))

rngs = nnx.Rngs(0)
model = nnx.Sequential(
    nnx.Linear(2, 10, rngs=rngs),
    nnx.relu,
    nnx.Linear(10, 5, rngs=rngs),
    nnx.relu,
    nnx.Linear(5, 1, rngs=rngs),
)
optimizer = nnx.Optimizer(model, optax.sgd(learning_rate=1e-6), wrt=nnx.Param)


def loss_of(model, inputs, targets):
    prediction = model(inputs)
    return jnp.sum((prediction - targets) ** 2)


@nnx.jit
def train_step(model, optimizer, inputs, targets):
    loss, gradients = nnx.value_and_grad(loss_of)(model, inputs, targets)
    optimizer.update(model, gradients)
    return loss


for epoch in range(20_000):
    loss = train_step(model, optimizer, x_train, z_train)
    if epoch % 2000 == 0:
        print(f"epoch {epoch}: loss {loss:.1f}")

prediction = model(x_test)
print(f"loss {loss:.1f}, R2 {r2_score(z_test, prediction):.4f}")
