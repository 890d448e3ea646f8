from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import optax


class Regressor:
    """Small MLP on raw pytrees, trained on random mini-batches."""

    def __init__(self, x, y, hidden=32, lr=4e-3, batch_size=16, seed=0):
        self.x, self.y = x, y
        self.batch_size = batch_size
        self.rng = np.random.default_rng(seed)
        self.tx = optax.adam(lr)
        sizes = [x.shape[1], hidden, hidden, 1]
        keys = jax.random.split(jax.random.key(seed), 3)
        self.params = [
            (jax.random.normal(k, (a, b)) / np.sqrt(a), jnp.zeros(b))
            for k, a, b in zip(keys, sizes[:-1], sizes[1:], strict=True)
        ]
        self.state = self.tx.init(self.params)

    @staticmethod
    def apply(params, x):
        for w, b in params[:-1]:
            x = jnp.tanh(x @ w + b)
        w, b = params[-1]
        return x @ w + b

    def next_batch(self):
        rows = self.rng.choice(len(self.x), self.batch_size, replace=False)
        return self.x[rows], self.y[rows]

    @partial(jax.jit, static_argnums=0)
    def step(self, params, state, xb, yb):
        loss, grads = jax.value_and_grad(lambda p: jnp.mean((self.apply(p, xb) - yb) ** 2))(params)
        updates, state = self.tx.update(grads, state, params)
        return optax.apply_updates(params, updates), state, loss

    def fit(self, steps):
        for i in range(steps):
            xb, yb = self.next_batch()
            self.params, self.state, loss = self.step(self.params, self.state, xb, yb)
            if i % 300 == 0:
                print(f"step {i:5d}  loss {loss:.5f}")


# junction in a gas stream: emf from gas temperature, velocity and wall temperature
rng = np.random.default_rng(1)
n = 1200
gas = rng.uniform(200, 900, n)
speed = rng.uniform(1, 30, n)
wall = gas * rng.uniform(0.5, 1.0, n)
junction = gas - 4e-10 * ((gas + 273) ** 4 - (wall + 273) ** 4) / (2.0 + 1.6 * np.sqrt(speed))
emf = 0.0405 * junction + 2.5 * np.sin(junction / 70) * np.cos(speed / 6) + rng.normal(0, 0.15, n)

feats = np.column_stack([gas, speed, wall])
feats = jnp.asarray((feats - feats.mean(0)) / feats.std(0))
target = jnp.asarray((emf - emf.mean()) / emf.std())[:, None]

reg = Regressor(feats[:1000], target[:1000])
reg.fit(1800)
pred = reg.apply(reg.params, feats[1000:])
true = target[1000:]
print("R2", float(1 - ((true - pred) ** 2).sum() / ((true - true.mean()) ** 2).sum()))
