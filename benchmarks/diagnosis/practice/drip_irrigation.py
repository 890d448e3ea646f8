import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx


class WettingFront(nnx.Module):
    """Wetted radius and depth under a dripper."""

    def __init__(self, hidden: int, rngs: nnx.Rngs):
        self.dense = nnx.List([nnx.Linear(4, hidden, rngs=rngs), nnx.Linear(hidden, hidden, rngs=rngs)])
        self.out = nnx.Linear(hidden, 2, rngs=rngs)

    def __call__(self, x):
        for layer in self.dense:
            x = nnx.relu(layer(x))
        return self.out(x)


def field(key, n):
    u = jax.random.uniform(key, (n, 4))
    flow, hours, ksat, theta = 1 + 3 * u[:, 0], 1 + 9 * u[:, 1], 0.1 * 50 ** u[:, 2], 0.05 + 0.3 * u[:, 3]
    vol = flow * hours
    radius = 18 * vol**0.3 * (ksat / 1.0) ** -0.12 * (1 + theta)
    depth = 15 * vol**0.45 * (ksat / 1.0) ** 0.2 * (1 + 2 * theta**2)
    return (u - 0.5) * 3.4, jnp.stack([radius, depth], 1)


@jax.jit
def train_step(model, optimizer, x, y):
    def loss_fn(model):
        return ((model(x) - y) ** 2).mean()

    loss, grads = nnx.value_and_grad(loss_fn)(model)
    optimizer.update(model, grads)
    return loss


def main():
    k1, k2 = jax.random.split(jax.random.key(12))
    x, y = field(k1, 1024)
    xv, yv = field(k2, 256)
    mu, sd = y.mean(0), y.std(0)
    y, yv = (y - mu) / sd, (yv - mu) / sd
    model = WettingFront(64, nnx.Rngs(12))
    optimizer = nnx.Optimizer(model, optax.adamw(2e-3), wrt=nnx.Param)
    shuffle = np.random.default_rng(12)
    for epoch in range(60):
        order = shuffle.permutation(1024)
        for b in range(8):
            rows = order[b * 128 : (b + 1) * 128]
            loss = train_step(model, optimizer, x[rows], y[rows])
        if epoch % 15 == 0:
            print(f"epoch {epoch:3d} loss {float(loss):.4f}")
    res = ((model(xv) - yv) ** 2).sum(0)
    tot = ((yv - yv.mean(0)) ** 2).sum(0)
    print("R2 (radius, depth):", np.round(np.asarray(1 - res / tot), 3))


if __name__ == "__main__":
    main()
