import jax
import jax.numpy as jnp
import optax
from flax import nnx
from sklearn.datasets import make_friedman1
from sklearn.preprocessing import StandardScaler


class Probe(nnx.Module):
    def __init__(self, rngs: nnx.Rngs):
        self.hidden = nnx.Linear(10, 64, rngs=rngs)
        self.hidden2 = nnx.Linear(64, 32, rngs=rngs)
        self.readout = nnx.Linear(32, 1, rngs=rngs)

    def __call__(self, x):
        x = nnx.relu(self.hidden(x))
        x = nnx.relu(self.hidden2(x))
        return self.readout(x)


def mse(model, x, y):
    return jnp.square(model(x) - y).mean()


@nnx.jit
def train_step(model, optimizer, x, y):
    loss, grads = nnx.value_and_grad(mse)(model, x, y)
    optimizer.update(model, grads)
    return loss


def r2(model, x, y):
    return 1.0 - mse(model, x, y) / y.var()


def main():
    sensors, moisture = make_friedman1(n_samples=1200, n_features=10, noise=0.7, random_state=9)
    sx, sy = StandardScaler().fit(sensors[:900]), StandardScaler().fit(moisture[:900, None])
    x = jnp.array(sx.transform(sensors))
    y = jnp.array(sy.transform(moisture[:, None]))
    x_train, y_train, x_test, y_test = x[:900], y[:900], x[900:], y[900:]

    model = Probe(nnx.Rngs(9))
    optimizer = nnx.Optimizer(model, optax.adam(3e-3), wrt=nnx.Param)

    key = jax.random.key(0)
    for epoch in range(30):
        key, sub = jax.random.split(key)
        perm = jax.random.permutation(sub, 900)
        total = 0.0
        for i in range(0, 900, 100):
            batch = perm[i : i + 100]
            total += float(train_step(model, optimizer, x_train[batch], y_train[batch])) / 9
        if epoch % 5 == 0:
            print(f"epoch {epoch:2d}  train {total:.4f}  test R2 {float(r2(model, x_test, y_test)):.3f}")

    print(f"final test R2: {float(r2(model, x_test, y_test)):.3f}")


if __name__ == "__main__":
    main()
