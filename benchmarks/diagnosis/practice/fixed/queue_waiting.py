"""Mean waiting time in a service queue (Kingman's approximation with measured noise)."""

import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx


class WaitingNet(nnx.Module):
    def __init__(self, rngs):
        self.l1 = nnx.Linear(4, 64, rngs=rngs)
        self.l2 = nnx.Linear(64, 64, rngs=rngs)
        self.l3 = nnx.Linear(64, 1, rngs=rngs)

    def __call__(self, x):
        h = nnx.tanh(self.l1(x))
        h = nnx.tanh(self.l2(h))
        return self.l3(h)[:, 0]


def make_data(n, rng):
    load = rng.uniform(0.2, 0.92, n)
    cv_arrival = rng.uniform(0.3, 1.8, n)
    cv_service = rng.uniform(0.3, 1.8, n)
    service = rng.uniform(0.5, 3.0, n)  # minutes
    wait = load / (1.0 - load) * (cv_arrival**2 + cv_service**2) / 2.0 * service
    y = np.log(wait) + rng.normal(0.0, 0.15, n)
    x = np.column_stack([(load - 0.56) / 0.21, cv_arrival - 1.05, cv_service - 1.05, service - 1.75])
    return x.astype(np.float32), y.astype(np.float32)


def main():
    rng = np.random.default_rng(30)
    x_train, y_train = make_data(1200, rng)
    x_test, y_test = make_data(400, rng)

    model = WaitingNet(nnx.Rngs(1))
    optimizer = nnx.Optimizer(model, optax.adamw(3e-3, weight_decay=1e-4), wrt=nnx.Param)

    @nnx.jit
    def train_step(model, optimizer, xb, yb):
        def loss_fn(m):
            return optax.l2_loss(m(xb), yb).mean()

        loss, grads = nnx.value_and_grad(loss_fn)(model)
        optimizer.update(model, grads)
        return loss

    batch = 12
    for epoch in range(15):
        order = rng.permutation(len(x_train))
        losses = []
        for start in range(0, len(order), batch):
            rows = order[start : start + batch]
            xb, yb = x_train[rows], y_train[rows]
            losses.append(float(train_step(model, optimizer, xb, yb)))
        if epoch % 3 == 2:
            print(f"epoch {epoch + 1}: mean loss {np.mean(losses):.5f}")

    pred = np.asarray(model(jnp.asarray(x_test)))
    print(f"R2 of the log waiting time {1.0 - np.var(y_test - pred) / np.var(y_test):.3f}")


if __name__ == "__main__":
    main()
