import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx
from sklearn.metrics import r2_score

CONFIG = {
    "hidden": 48,
    "batch": 120,
    "epochs": 70,
    "schedule": {"init_value": 5e-3, "transition_steps": 100, "decay_rate": 0.9},
}


def joint_torques(q, dq, ddq, m=(1.8, 1.1), l1=0.5, lc=(0.25, 0.2), g=9.81):
    c2, s2 = np.cos(q[:, 1]), np.sin(q[:, 1])
    h = m[1] * l1 * lc[1]
    m11 = 0.15 + m[1] * l1**2 + 2 * h * c2
    m12 = 0.05 + h * c2
    g2 = m[1] * g * lc[1] * np.cos(q.sum(1))
    g1 = (m[0] * lc[0] + m[1] * l1) * g * np.cos(q[:, 0]) + g2
    t1 = m11 * ddq[:, 0] + m12 * ddq[:, 1] - h * s2 * (2 * dq[:, 0] * dq[:, 1] + dq[:, 1] ** 2) + g1
    t2 = m12 * ddq[:, 0] + 0.05 * ddq[:, 1] + h * s2 * dq[:, 0] ** 2 + g2
    return np.stack([t1, t2], 1)


rng = np.random.default_rng(11)
q = rng.uniform(-np.pi / 2, np.pi / 2, (3000, 2))
dq = rng.normal(0, 1.0, (3000, 2))
ddq = rng.normal(0, 2.0, (3000, 2))
tau = joint_torques(q, dq, ddq) + rng.normal(0, 0.05, (3000, 2))
x = np.concatenate([q, dq, ddq / 2], 1).astype(np.float32)
tau_mean, tau_std = tau[:2400].mean(0), tau[:2400].std(0)
y = ((tau - tau_mean) / tau_std).astype(np.float32)
x_train, x_test, y_train, y_test = x[:2400], x[2400:], y[:2400], y[2400:]


class Inverse(nnx.Module):
    def __init__(self, width, rngs):
        self.a = nnx.Linear(6, width, rngs=rngs)
        self.b = nnx.Linear(width, width, rngs=rngs)
        self.c = nnx.Linear(width, 2, rngs=rngs)

    def __call__(self, x):
        return self.c(jnp.tanh(self.b(jnp.tanh(self.a(x)))))


model = Inverse(CONFIG["hidden"], nnx.Rngs(3))
schedule = optax.exponential_decay(**CONFIG["schedule"])
tx = optax.chain(optax.clip_by_global_norm(1.0), optax.adamw(schedule, weight_decay=1e-4))
optimizer = nnx.Optimizer(model, tx, wrt=nnx.Param)


@nnx.jit
def step(model, optimizer, xb, yb):
    def loss_fn(net):
        return jnp.mean((net(xb) - yb) ** 2)

    loss, grads = nnx.value_and_grad(loss_fn)(model)
    optimizer.update(model, grads)
    return loss


for epoch in range(CONFIG["epochs"]):
    perm = rng.permutation(len(x_train))
    losses = []
    for i in range(0, len(perm), CONFIG["batch"]):
        take = perm[i : i + CONFIG["batch"]]
        losses.append(step(model, optimizer, x_train[take], y_train[take]))
    if (epoch + 1) % 20 == 0:
        print(epoch + 1, float(jnp.stack(losses).mean()))

print("R2 per joint:", r2_score(y_test, np.asarray(model(x_test)), multioutput="raw_values"))
