"""Barley yield in field trials: rain, nitrogen, sowing day, soil class and variety."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx

SOILS, VARIETIES = 4, 6


def trials(n, seed):
    rng = np.random.default_rng(seed)
    rain, nitrogen, sowing = rng.uniform(-1.7, 1.7, (3, n))
    soil, variety = rng.integers(0, SOILS, n), rng.integers(0, VARIETIES, n)
    level = np.array([-0.6, 0.0, 0.3, 0.5])[soil] + np.array([-0.3, 0.1, 0.4, -0.1, 0.2, -0.3])[variety]
    yields = level + 0.9 * np.tanh(1.2 * nitrogen) - 0.35 * (rain - 0.4) ** 2 - 0.25 * sowing * rain
    yields = yields + rng.normal(0, 0.9, n)
    return (
        np.stack([rain, nitrogen, sowing], 1).astype(np.float32),
        np.stack([soil, variety], 1),
        yields.astype(np.float32),
    )


class YieldModel(nnx.Module):
    def __init__(self, rngs):
        self.soil = nnx.Embed(SOILS, 3, rngs=rngs)
        self.variety = nnx.Embed(VARIETIES, 3, rngs=rngs)
        self.hidden = nnx.Linear(9, 24, rngs=rngs)
        self.out = nnx.Linear(24, 1, rngs=rngs)

    def __call__(self, numbers, codes):
        parts = [numbers, self.soil(codes[:, 0]), self.variety(codes[:, 1])]
        h = nnx.relu(self.hidden(jnp.concatenate(parts, axis=1)))
        return self.out(h).squeeze(1)


graphdef, params = nnx.split(YieldModel(nnx.Rngs(3)), nnx.Param)
schedule = optax.cosine_decay_schedule(0.05, 1500)
tx = optax.chain(optax.clip_by_global_norm(5.0), optax.sgd(schedule, momentum=0.8))
state = tx.init(params)


def loss_fn(params, numbers, codes, y):
    return jnp.mean((nnx.merge(graphdef, params)(numbers, codes) - y) ** 2)


@jax.jit
def step(params, state, numbers, codes, y):
    loss, grads = jax.value_and_grad(loss_fn)(params, numbers, codes, y)
    updates, state = tx.update(grads, state, params)
    return optax.apply_updates(params, updates), state, loss


numbers, codes, y = trials(3000, seed=1)
test_numbers, test_codes, test_y = trials(1000, seed=2)
picker = np.random.default_rng(0)
for i in range(1500):
    rows = picker.integers(0, 3000, 128)
    params, state, loss = step(params, state, numbers[rows], codes[rows], y[rows])
    if i % 300 == 0:
        print(f"step {i}: {float(loss):.3f}")

test_loss = float(loss_fn(params, test_numbers, test_codes, test_y))
print(f"explained variance on new trials: {1 - test_loss / float(jnp.var(test_y)):.3f}")
