import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx
from sklearn.datasets import make_friedman1
from sklearn.preprocessing import MinMaxScaler


class Block(nnx.Module):
    def __init__(self, width, rngs):
        self.dense = nnx.Linear(width, width, rngs=rngs)
        self.norm = nnx.LayerNorm(width, rngs=rngs)

    def __call__(self, x):
        return x + nnx.gelu(self.dense(self.norm(x)))


class HeatModel(nnx.Module):
    def __init__(self, features, width, depth, rngs):
        self.stem = nnx.Linear(features, width, rngs=rngs)
        self.blocks = nnx.List([Block(width, rngs) for _ in range(depth)])
        self.out = nnx.Linear(width, 1, rngs=rngs)

    def __call__(self, x):
        x = self.stem(x)
        for block in self.blocks:
            x = block(x)
        return self.out(x).squeeze(-1)


def squared_error(model, x, y):
    return optax.l2_loss(model(x), y).mean()


@nnx.jit
def update(model, optimizer, x, y):
    loss, grads = nnx.value_and_grad(squared_error)(model, x, y)
    optimizer.update(model, grads)
    return loss


def main(epochs=50, batch=100):
    x, y = make_friedman1(n_samples=1500, n_features=5, noise=1.0, random_state=9)
    scaler = MinMaxScaler((-1, 1)).fit(x[:1000])
    x = jnp.asarray(scaler.transform(x))
    y = jnp.asarray((y - y[:1000].mean()) / y[:1000].std())
    model = HeatModel(5, 32, 1, nnx.Rngs(9))
    steps = epochs * (1000 // batch)
    schedule = optax.warmup_cosine_decay_schedule(0.0, 1e-2, steps // 10, steps)
    tx = optax.chain(optax.clip_by_global_norm(1.0), optax.adamw(schedule, weight_decay=1e-2))
    optimizer = nnx.Optimizer(model, tx, wrt=nnx.Param)
    rng = np.random.default_rng(9)
    for epoch in range(epochs):
        order = rng.permutation(1000)
        losses = [float(update(model, optimizer, x[i], y[i])) for i in np.split(order, 1000 // batch)]
        if epoch % 10 == 0:
            valid = squared_error(model, x[1000:1200], y[1000:1200])
            print(f"epoch {epoch}: train {np.mean(losses):.4f} valid {valid:.4f}")
    pred = model(x[1200:])
    print("R2", float(1 - jnp.mean((pred - y[1200:]) ** 2) / jnp.var(y[1200:])))


if __name__ == "__main__":
    main()
