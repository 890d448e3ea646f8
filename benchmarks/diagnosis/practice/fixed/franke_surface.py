import jax
import jax.numpy as jnp
import optax
from flax import nnx


def franke(x, y):
    a = 0.75 * jnp.exp(-((9 * x - 2) ** 2) / 4 - ((9 * y - 2) ** 2) / 4)
    b = 0.75 * jnp.exp(-((9 * x + 1) ** 2) / 49 - (9 * y + 1) / 10)
    c = 0.5 * jnp.exp(-((9 * x - 7) ** 2) / 4 - ((9 * y - 3) ** 2) / 4)
    d = 0.2 * jnp.exp(-((9 * x - 4) ** 2) - (9 * y - 7) ** 2)
    return a + b + c - d


class Surface(nnx.Module):
    def __init__(self, rngs: nnx.Rngs):
        self.inp = nnx.Linear(2, 64, rngs=rngs)
        self.mid = nnx.Linear(64, 64, rngs=rngs)
        self.out = nnx.Linear(64, 1, rngs=rngs)

    def __call__(self, p):
        h = nnx.tanh(self.inp(p))
        h = nnx.tanh(self.mid(h))
        return self.out(h)


@nnx.jit
def train_step(model, optimizer, p, z):
    def loss_fn(m):
        return jnp.mean((m(p) - z) ** 2)

    loss, grads = nnx.value_and_grad(loss_fn)(model)
    optimizer.update(model, grads)
    return loss


key_pts, key_noise = jax.random.split(jax.random.key(2))
points = jax.random.uniform(key_pts, (1000, 2))
height = franke(points[:, 0], points[:, 1])[:, None]
height = height + 0.01 * jax.random.normal(key_noise, height.shape)
p_train, p_test = 4 * points[:800] - 2, 4 * points[800:] - 2
z_train, z_test = height[:800], height[800:]

model = Surface(nnx.Rngs(0))
optimizer = nnx.Optimizer(model, optax.adam(4e-3), wrt=nnx.Param)

losses = []
for step in range(1500):
    losses.append(train_step(model, optimizer, p_train, z_train))
    if step % 300 == 0:
        print(f"step {step}  loss {float(losses[-1]):.5f}")

err = z_test - model(p_test)
print(f"final loss {float(losses[-1]):.5f}")
print(f"test R2 {1 - float(jnp.sum(err**2) / jnp.sum((z_test - z_test.mean()) ** 2)):.3f}")
