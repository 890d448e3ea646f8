"""Price of coupon bonds from coupon, yield, maturity and rating."""

import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx

RATINGS = {"AAA": 0.0, "AA": 0.002, "A": 0.005, "BBB": 0.011, "BB": 0.025}
FACE = 100_000


def make_book(n, rng):
    names = list(RATINGS)
    coupon = rng.uniform(0.0, 0.08, n)
    base = rng.uniform(0.005, 0.06, n)
    years = rng.integers(1, 30, n)
    rating = rng.integers(0, len(names), n)
    spread = np.array([RATINGS[names[r]] for r in rating])
    y = base + spread
    annuity = (1 - (1 + y) ** -years) / y
    price = FACE * (coupon * annuity + (1 + y) ** -years)
    table = np.column_stack([coupon, base, years, np.eye(len(names))[rating]])
    return table, price + rng.normal(0, 300, n)


class Pricer(nnx.Module):
    def __init__(self, n_in, rngs):
        self.l1 = nnx.Linear(n_in, 64, rngs=rngs)
        self.l2 = nnx.Linear(64, 64, rngs=rngs)
        self.out = nnx.Linear(64, 1, rngs=rngs)

    def __call__(self, x):
        return self.out(nnx.silu(self.l2(nnx.silu(self.l1(x)))))[:, 0]


@nnx.jit
def train_step(model, optimizer, x, y):
    loss, grads = nnx.value_and_grad(lambda m: jnp.mean(optax.huber_loss(m(x), y)))(model)
    optimizer.update(model, grads)
    return loss


def main():
    rng = np.random.default_rng(4)
    table, price = make_book(2400, rng)
    n_train = 1900
    mu, sd = table[:n_train].mean(0), table[:n_train].std(0)
    x = ((table - mu) / sd).astype(np.float32)
    shift, scale = price[:n_train].mean(), price[:n_train].std()
    y = ((price - shift) / scale).astype(np.float32)

    model = Pricer(x.shape[1], nnx.Rngs(0))
    optimizer = nnx.Optimizer(model, optax.adam(2e-3), wrt=nnx.Param)
    for epoch in range(30):
        order = rng.permutation(n_train)
        total = 0.0
        for i in range(0, n_train, 95):
            idx = order[i : i + 95]
            total += float(train_step(model, optimizer, x[idx], y[idx]))
        if epoch % 6 == 0:
            print(f"epoch {epoch:3d}  loss {total / (n_train / 95):.5g}")

    pred = np.asarray(model(x[n_train:])) * scale + shift
    actual = price[n_train:]
    print(f"MAPE {100 * np.mean(np.abs(pred - actual) / actual):.2f} %")


if __name__ == "__main__":
    main()
