import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx

rng = np.random.default_rng(9)
n = 1000
grain_um = rng.integers(80, 400, n)
clay = rng.uniform(0, 0.1, n)
porosity = rng.uniform(0.08, 0.38, n)

# Kozeny-Carman with a clay correction, log10 of mD
perm = grain_um**2 * porosity**3 / (180 * (1 - porosity) ** 2) * np.exp(-8 * clay)
log_k = np.log10(perm) + rng.normal(0, 0.04, n)


def standardise(columns):
    """Zero mean and unit spread for each column of the core table."""
    out = [(c - c.mean()) / (c.std() + 1e-9) for c in columns]
    return np.stack(out, axis=1).astype(np.float32)


core = np.zeros((3, n))
core[0] = grain_um
core[1] = porosity
core[2] = 1000 * clay

X = jnp.asarray(standardise(core))
y = jnp.asarray(((log_k - log_k.mean()) / log_k.std())[:, None], dtype=jnp.float32)
X_train, y_train, X_test, y_test = X[:800], y[:800], X[800:], y[800:]


class PermNet(nnx.Module):
    def __init__(self, rngs: nnx.Rngs):
        self.a = nnx.Linear(3, 32, rngs=rngs)
        self.b = nnx.Linear(32, 32, rngs=rngs)
        self.c = nnx.Linear(32, 1, rngs=rngs)

    def __call__(self, x):
        return self.c(nnx.gelu(self.b(nnx.gelu(self.a(x)))))


def mse(model, x, y):
    return jnp.mean((model(x) - y) ** 2)


@nnx.jit
def train_step(model, optimizer, x, y):
    loss, grads = nnx.value_and_grad(mse)(model, x, y)
    optimizer.update(model, grads)
    return loss


net = PermNet(nnx.Rngs(params=2))
optimizer = nnx.Optimizer(net, optax.adamw(1e-3), wrt=nnx.Param)
for epoch in range(400):
    loss = train_step(net, optimizer, X_train, y_train)
    if epoch % 100 == 0:
        print(f"epoch {epoch:2d}  loss {float(loss):.4f}")

print("test R2", float(1 - mse(net, X_test, y_test) / jnp.var(y_test)))
