import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx

# surrogate x(t; zeta, omega) of a damped oscillator released at rest from x = 1


def displacement(t, zeta, omega):
    wd = omega * np.sqrt(1 - zeta**2)
    return np.exp(-zeta * omega * t) * (np.cos(wd * t) + zeta * omega / wd * np.sin(wd * t))


rng = np.random.default_rng(21)
t = rng.uniform(0, 4, 2400)
zeta = rng.uniform(0.05, 0.5, 2400)
omega = rng.uniform(1.0, 2.0, 2400)
x = displacement(t, zeta, omega)
U = jnp.asarray(np.stack([t - 2, 4 * (zeta - 0.27), 2 * (omega - 1.5)], 1), jnp.float32)
Xd = jnp.asarray(x[:, None], jnp.float32)
U_tr, U_te, X_tr, X_te = U[:2000], U[2000:], Xd[:2000], Xd[2000:]


class Surrogate(nnx.Module):
    def __init__(self, width, rngs):
        self.l1 = nnx.Linear(3, width, rngs=rngs)
        self.l2 = nnx.Linear(width, width, rngs=rngs)
        self.l3 = nnx.Linear(width, 1, rngs=rngs)

    def __call__(self, u):
        return self.l3(nnx.tanh(self.l2(nnx.tanh(self.l1(u)))))


model = Surrogate(48, nnx.Rngs(0))
optimizer = nnx.Optimizer(model, optax.adam(3e-3), wrt=nnx.Param)


@jax.jit
def train_step(model, optimizer, u, x):
    def loss_fn(m):
        return jnp.mean((m(u) - x) ** 2)

    loss, grads = nnx.value_and_grad(loss_fn)(model)
    optimizer.update(model, grads)
    return loss


for epoch in range(40):
    order = rng.permutation(len(U_tr))
    for i in range(0, len(order), 100):
        sel = order[i : i + 100]
        loss = train_step(model, optimizer, U_tr[sel], X_tr[sel])
    if epoch % 8 == 0:
        print(f"epoch {epoch:2d} loss {float(loss):.5f}")

err = jnp.sum((model(U_te) - X_te) ** 2) / jnp.sum((X_te - X_te.mean()) ** 2)
print("test R2:", float(1 - err))
