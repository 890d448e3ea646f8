"""Force and dissipated power of a magnetorheological damper (two outputs)."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx


class Damper(nnx.Module):
    def __init__(self, width, rngs):
        self.layers = nnx.List([nnx.Linear(a, b, rngs=rngs) for a, b in [(3, width), (width, width)]])
        self.norm = nnx.LayerNorm(width, rngs=rngs)
        self.out = nnx.Linear(width, 2, rngs=rngs)

    def __call__(self, x):
        for layer in self.layers:
            x = nnx.swish(layer(x))
        return self.out(self.norm(x))


def experiment(seed, n):
    rng = np.random.default_rng(seed)
    velocity = rng.uniform(-0.3, 0.3, n)  # m/s
    stroke = rng.uniform(-0.02, 0.02, n)  # m
    amps = rng.uniform(0.0, 2.0, n)
    force = 900 * velocity + (150 + 600 * amps) * np.tanh(25 * velocity + 20 * stroke) + rng.normal(0, 20, n)
    x = np.stack([velocity / 0.17, stroke / 0.0115, (amps - 1) / 0.58], axis=1)
    return jnp.asarray(x), jnp.asarray(np.stack([force / 600, force * velocity / 130], axis=1))


@nnx.jit
def train_step(model, optimizer, metrics, x, y):
    def loss_fn(model):
        return optax.huber_loss(model(x), y, delta=1.0).mean()

    loss, grads = nnx.value_and_grad(loss_fn)(model)
    optimizer.update(model, grads)
    metrics.update(loss=loss)


def main():
    x, y = experiment(0, 1200)
    x_test, y_test = experiment(1, 400)
    model = Damper(40, nnx.Rngs(0))
    schedule = optax.warmup_cosine_decay_schedule(0.0, 8e-3, 60, 720)
    optimizer = nnx.Optimizer(model, optax.adamw(schedule, weight_decay=1e-4), wrt=nnx.Param)
    metrics = nnx.MultiMetric(loss=nnx.metrics.Average("loss"))

    key = jax.random.key(3)
    for epoch in range(60):
        key, sub = jax.random.split(key)
        for rows in jnp.split(jax.random.permutation(sub, 1200), 12):
            train_step(model, optimizer, metrics, x[rows], y[rows])
        if epoch % 10 == 0:
            print(f"epoch {epoch:2d}: {metrics.compute()['loss']:.5f}")
        metrics.reset()

    rest = ((y_test - model(x_test)) ** 2).sum(0)
    r2 = 1 - rest / ((y_test - y_test.mean(0)) ** 2).sum(0)
    print(f"R2 force {r2[0]:.3f}, power {r2[1]:.3f}, mean {r2.mean():.3f}")


if __name__ == "__main__":
    main()
