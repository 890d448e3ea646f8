import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx

rng = np.random.default_rng(1)
N = 2000
tilt = rng.uniform(0, 1, N)
cloud = rng.beta(2, 2, N)
season = rng.uniform(0, 2 * np.pi, N)
clean = (1 - 0.8 * cloud**2) * (1 + 0.5 * np.cos(season - tilt)) * 1.5
yld = clean + rng.normal(0, 0.45, N)
X = np.stack([tilt, cloud, np.sin(season), np.cos(season)], 1).astype(np.float32)
Y = yld.astype(np.float32)


class YieldNet(nnx.Module):
    def __init__(self, rngs):
        self.a = nnx.Linear(4, 64, rngs=rngs)
        self.b = nnx.Linear(64, 1, rngs=rngs)

    def __call__(self, x):
        return self.b(nnx.relu(self.a(x)))[..., 0]


model = YieldNet(nnx.Rngs(0))
graphdef, params = nnx.split(model)
tx = optax.sgd(2e-4, momentum=0.9)
opt_state = tx.init(params)


@jax.jit
def step(params, opt_state, x, y):
    def loss_fn(params):
        return jnp.sum((nnx.merge(graphdef, params)(x) - y) ** 2)

    loss, grads = jax.value_and_grad(loss_fn)(params)
    updates, opt_state = tx.update(grads, opt_state, params)
    return optax.apply_updates(params, updates), opt_state, loss


for epoch in range(60):
    order = rng.permutation(1600)
    for i in range(0, 1600, 64):
        k = order[i : i + 64]
        params, opt_state, loss = step(params, opt_state, X[k], Y[k])
    if epoch % 12 == 0:
        print(epoch, float(loss))

model = nnx.merge(graphdef, params)
p = np.asarray(model(X[1600:]))
t = Y[1600:]
print("r2", 1 - np.sum((p - t) ** 2) / np.sum((t - t.mean()) ** 2))
