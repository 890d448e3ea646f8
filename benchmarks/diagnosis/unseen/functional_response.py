"""Prey eaten by a predator: density, handling time, temperature and interference, with NNX and lax.scan."""

import jax
import jax.numpy as jnp
import optax
from flax import nnx

KEY = jax.random.key(19)


def feeding_trials(key, count):
    k = jax.random.split(key, 5)
    prey = jax.random.uniform(k[0], (count,), minval=0.0, maxval=4.0)
    handling = jax.random.uniform(k[1], (count,), minval=0.1, maxval=1.2)
    warmth = jax.random.uniform(k[2], (count,), minval=-1.0, maxval=1.0)
    rivals = jax.random.uniform(k[3], (count,), minval=0.0, maxval=2.0)
    attack = 1.8 * jnp.exp(-((warmth - 0.2) ** 2) / 0.5)
    eaten = attack * prey**2 / (1.0 + attack * handling * prey**2 + 0.6 * rivals)
    eaten = eaten + 0.1 * jax.random.normal(k[4], (count,))
    return jnp.stack([prey, handling, warmth, rivals], axis=1), eaten[:, None]


class Response(nnx.Module):
    def __init__(self, width: int, rngs: nnx.Rngs):
        self.inner = nnx.Linear(4, width, rngs=rngs)
        self.middle = nnx.Linear(width, width, rngs=rngs)
        self.outer = nnx.Linear(width, 1, rngs=rngs)

    def __call__(self, x):
        return self.outer(nnx.tanh(self.middle(nnx.tanh(self.inner(x)))))


train_key, test_key, order_key = jax.random.split(KEY, 3)
x, y = feeding_trials(train_key, 1600)
x_test, y_test = feeding_trials(test_key, 600)

graphdef, params = nnx.split(Response(40, nnx.Rngs(6)), nnx.Param)
schedule = optax.warmup_cosine_decay_schedule(1e-5, 8e-3, 100, 1600, 1e-5)
tx = optax.chain(optax.clip_by_global_norm(1.0), optax.adam(schedule))
opt_state = tx.init(params)


def mse(weights, xb, yb):
    return jnp.mean((nnx.merge(graphdef, weights)(xb) - yb) ** 2)


@jax.jit
def epoch(weights, state, x, y, key):
    order = jax.random.permutation(key, x.shape[0]).reshape(-1, 80)

    def body(carry, rows):
        weights, state = carry
        loss, grads = jax.value_and_grad(mse)(weights, x[rows], y[rows])
        updates, state = tx.update(grads, state, weights)
        return (optax.apply_updates(weights, updates), state), loss

    (weights, state), losses = jax.lax.scan(body, (weights, state), order)
    return weights, state, losses.mean()


for number in range(80):
    order_key, sub = jax.random.split(order_key)
    params, opt_state, loss = epoch(params, opt_state, x, y, sub)
    if number % 20 == 0:
        print(f"epoch {number:3d}  mse {loss:.4f}")

r2 = 1 - mse(params, x_test, y_test) / jnp.var(y_test)
print(f"test R2 {r2:.4f}")
