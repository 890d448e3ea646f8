"""Kill rate of a predator (type III response with interference), learnt from noisy field counts."""

from functools import partial

import jax
import jax.numpy as jnp
import optax
from flax import nnx


def field_counts(key, n):
    k1, k2, k3, k4 = jax.random.split(key, 4)
    prey = jax.random.uniform(k1, (n,), minval=0.0, maxval=2.5)
    predators = jax.random.uniform(k2, (n,), minval=0.1, maxval=2.0)
    cover = jax.random.uniform(k3, (n,))
    attack = 3.0 * (1.0 - 0.7 * cover)
    kills = attack * prey**2 / (1.0 + 0.5 * attack * prey**2 + 0.6 * predators)
    return jnp.stack([prey, predators, cover], axis=1), kills + 0.15 * jax.random.normal(k4, (n,))


class KillRate(nnx.Module):
    def __init__(self, width, rngs):
        self.lift = nnx.Linear(3, width, rngs=rngs)
        self.mix = nnx.Linear(width, width, rngs=rngs)
        self.out = nnx.Linear(width, 1, rngs=rngs)

    def __call__(self, x):
        return self.out(jax.nn.relu(self.mix(jax.nn.relu(self.lift(x)))))[..., 0]


def loss_fn(model, x, y):
    return jnp.sum(jnp.square(model(x) - y))


graphdef, params = nnx.split(KillRate(64, nnx.Rngs(3)))
tx = optax.sgd(2e-4, momentum=0.9)
opt_state = tx.init(params)
x, y = field_counts(jax.random.key(60), 1800)
x_train, y_train, x_test, y_test = x[:1500], y[:1500], x[1500:], y[1500:]


@partial(jax.jit, static_argnames="size")
def run_epoch(params, opt_state, key, size):
    order = jax.random.permutation(key, len(x_train)).reshape(-1, size)

    def one(carry, rows):
        params, opt_state = carry
        loss, grads = jax.value_and_grad(lambda p: loss_fn(nnx.merge(graphdef, p), x_train[rows], y_train[rows]))(
            params
        )
        updates, opt_state = tx.update(grads, opt_state, params)
        return (optax.apply_updates(params, updates), opt_state), loss

    (params, opt_state), losses = jax.lax.scan(one, (params, opt_state), order)
    return params, opt_state, losses.sum() / len(x_train)


for epoch in range(150):
    params, opt_state, loss = run_epoch(params, opt_state, jax.random.key(epoch), size=50)
    if epoch % 25 == 24:
        print(f"epoch {epoch + 1:3d}  loss {float(loss):.4f}")

residual = nnx.merge(graphdef, params)(x_test) - y_test
print(f"test R2 {1 - float(jnp.sum(residual**2) / jnp.sum((y_test - y_test.mean()) ** 2)):.3f}")
