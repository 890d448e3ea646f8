import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx
from sklearn.metrics import r2_score

rng = np.random.default_rng(14)
n = 900
fractions = rng.dirichlet(np.ones(5), n)
kelvin = rng.uniform(300, 450, n)
bar = rng.uniform(1, 120, n)
tc = fractions @ np.array([190.6, 305.3, 369.8, 304.1, 126.2])
pc = fractions @ np.array([46.0, 48.7, 42.5, 73.8, 34.0])
tr, pr = kelvin / tc, bar / pc
z = 1 + (0.083 - 0.422 / tr**1.6) * pr / tr + 0.03 * (pr / tr) ** 2 + rng.normal(0, 0.004, n)

X = np.column_stack([fractions, kelvin, bar])
X = (X - X[:700].mean(0)) / X[:700].std(0)
Y = (z - z[:700].mean()) / z[:700].std()
X, Y = jnp.asarray(X), jnp.asarray(Y)[:, None]


def dense(n_in, n_out, rngs):
    init = nnx.initializers.lecun_normal()
    return nnx.Linear(n_in, n_out, kernel_init=init, rngs=rngs)


class ZFactor(nnx.Module):
    def __init__(self, rngs):
        self.a = dense(7, 32, rngs)
        self.b = dense(32, 32, rngs)
        self.c = nnx.Linear(32, 1, rngs=rngs)

    def __call__(self, x):
        return self.c(jnp.tanh(self.b(jnp.tanh(self.a(x)))))


model = ZFactor(nnx.Rngs(14))
tx = optax.chain(optax.clip_by_global_norm(5.0), optax.adamw(2e-3, weight_decay=1e-4))
optimizer = nnx.Optimizer(model, tx, wrt=nnx.Param)


@nnx.jit
def update(model, optimizer, x, y):
    def objective(m):
        return optax.squared_error(m(x), y).mean()

    value, grads = nnx.value_and_grad(objective)(model)
    optimizer.update(model, grads)
    return value


curve = []
for epoch in range(1000):
    curve.append(float(update(model, optimizer, X[:700], Y[:700])))
    if epoch % 200 == 0:
        print(f"{epoch:5d} {curve[-1]:.4f}")

print("last training loss:", round(curve[-1], 5))
print("R2, 200 held-out mixtures:", round(r2_score(np.asarray(Y[700:]), np.asarray(model(X[700:]))), 3))
