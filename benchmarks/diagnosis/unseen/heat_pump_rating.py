import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx


class Rating(nnx.Module):
    def __init__(self, width, *, rngs):
        self.hidden = nnx.Linear(3, width, rngs=rngs)
        self.middle = nnx.Linear(width, width, rngs=rngs)
        self.out = nnx.Linear(width, 1, rngs=rngs)

    def __call__(self, x):
        return self.out(jnp.tanh(self.middle(jnp.tanh(self.hidden(x)))))


def catalogue(n, rng):
    source = rng.uniform(-15, 18, n)
    supply = rng.uniform(30, 60, n)
    load = rng.uniform(0.25, 1.0, n)
    carnot = (supply + 273.15) / (supply - source + 8.0)
    cop = carnot * (0.5 - 0.25 * (load - 0.65) ** 2) + 0.05 * rng.standard_normal(n)
    x = np.stack([source / 10, (supply - 45) / 9, (load - 0.62) / 0.22], axis=1)
    return x.astype("float32"), cop.astype("float32")


def mse(model, x, y):
    return jnp.mean((model(x)[:, 0] - y) ** 2)


@jax.jit
def train_step(model, optimizer, x, y):
    loss, grads = nnx.value_and_grad(mse)(model, x, y)
    optimizer.update(model, grads)
    return loss


def main():
    rng = np.random.default_rng(14)
    x, y = catalogue(1000, rng)
    y = (y - y[:800].mean()) / y[:800].std()
    model = Rating(32, rngs=nnx.Rngs(14))
    optimizer = nnx.Optimizer(model, optax.adamw(3e-3, weight_decay=1e-4), wrt=nnx.Param)
    for epoch in range(60):
        epoch_loss = 0.0
        for rows in np.split(rng.permutation(800), 10):
            epoch_loss += float(train_step(model, optimizer, x[rows], y[rows])) / 10
        if epoch % 10 == 9:
            print(f"epoch {epoch + 1}: train {epoch_loss:.4f}, held out {float(mse(model, x[800:], y[800:])):.4f}")
    print(f"COP R2 {1 - float(mse(model, x[800:], y[800:])) / y[800:].var():.3f}")


if __name__ == "__main__":
    main()
