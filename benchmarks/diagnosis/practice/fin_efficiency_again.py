from dataclasses import dataclass
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np


@dataclass
class Settings:
    base_lr: float = 0.1
    warmup_epochs: int = 10
    epochs: int = 120
    batch: int = 64
    widths: tuple = (2, 32, 32, 1)


def init_params(key, widths):
    params = []
    for a, b in zip(widths[:-1], widths[1:]):
        key, sub = jax.random.split(key)
        params.append({"w": jax.random.normal(sub, (a, b)) / jnp.sqrt(a), "b": jnp.zeros(b)})
    return params


def apply(params, x):
    for p in params[:-1]:
        x = jnp.tanh(x @ p["w"] + p["b"])
    return x @ params[-1]["w"] + params[-1]["b"]


class Fitter:
    def __init__(self, cfg):
        self.cfg = cfg
        self.lr = 0.0

    def schedule(self, epoch):
        c = self.cfg
        return c.base_lr * min(1.0, epoch / c.warmup_epochs)

    @partial(jax.jit, static_argnums=0)
    def step(self, params, x, y):
        loss, grads = jax.value_and_grad(lambda p: jnp.mean((apply(p, x) - y) ** 2))(params)
        params = jax.tree.map(lambda p, g: p - self.lr * g, params, grads)
        return params, loss

    def fit(self, params, x, y, rng):
        for epoch in range(self.cfg.epochs):
            self.lr = self.schedule(epoch)
            order = rng.permutation(len(x))
            for i in range(0, len(x), self.cfg.batch):
                idx = order[i : i + self.cfg.batch]
                params, loss = self.step(params, x[idx], y[idx])
            if epoch % 30 == 0:
                print(f"epoch {epoch:3d} lr {self.lr:.4f} loss {loss:.5f}")
        return params


def main():
    rng = np.random.default_rng(8)
    mL = rng.uniform(0.2, 4.0, (1500, 1))
    Bi = rng.uniform(0.0, 2.0, (1500, 1))
    eta = (np.tanh(mL) + Bi * mL / 4) / (mL * (1 + Bi * np.tanh(mL)))
    x = np.hstack([(mL - 2.1) / 1.1, (Bi - 1) / 0.58]).astype(np.float32)
    y = ((eta - eta.mean()) / eta.std()).astype(np.float32)
    cfg = Settings()
    params = init_params(jax.random.key(8), cfg.widths)
    params = Fitter(cfg).fit(params, x[:1200], y[:1200], rng)
    pred = np.asarray(apply(params, x[1200:]))
    print("R2", 1 - ((pred - y[1200:]) ** 2).sum() / ((y[1200:] - y[1200:].mean()) ** 2).sum())


if __name__ == "__main__":
    main()
