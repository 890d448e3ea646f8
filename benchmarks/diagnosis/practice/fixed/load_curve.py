import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx
from sklearn.metrics import r2_score

# hourly load from calendar and weather features
rng = np.random.default_rng(4)
H = 24 * 90
hour = np.arange(H) % 24
day = (np.arange(H) // 24) % 7
temp = 12 + 8 * np.sin(2 * np.pi * np.arange(H) / (24 * 60)) + 4 * np.sin(2 * np.pi * (hour - 9) / 24)
temp = temp + rng.normal(0, 2, H)
load = 40 + 12 * np.sin(2 * np.pi * (hour - 8) / 24) * (day < 5) + 0.12 * (temp - 15) ** 2 + rng.normal(0, 1.0, H)

feats = np.stack(
    [np.sin(2 * np.pi * hour / 24), np.cos(2 * np.pi * hour / 24), (day < 5) * 1.0, (temp - 12) / 7], axis=1
).astype(np.float32)
z = ((load - load.mean()) / load.std()).astype(np.float32)[:, None]
perm = rng.permutation(H)
tr, te = perm[:1700], perm[1700:]


class LoadNet(nnx.Module):
    def __init__(self, rngs: nnx.Rngs):
        self.fc1 = nnx.Linear(4, 64, rngs=rngs)
        self.fc2 = nnx.Linear(64, 64, rngs=rngs)
        self.out = nnx.Linear(64, 1, rngs=rngs)

    def __call__(self, x):
        x = nnx.relu(self.fc1(x))
        x = nnx.relu(self.fc2(x))
        return self.out(x)


EPOCHS, BATCH = 30, 64
schedule = optax.warmup_cosine_decay_schedule(
    init_value=0.0, peak_value=3e-3, warmup_steps=80, decay_steps=780, end_value=1e-5
)
model = LoadNet(nnx.Rngs(4))
tx = optax.chain(optax.clip_by_global_norm(1.0), optax.adamw(schedule, weight_decay=1e-4))
opt = nnx.Optimizer(model, tx, wrt=nnx.Param)


@nnx.jit
def step(model, opt, x, y):
    loss, grads = nnx.value_and_grad(lambda m: optax.l2_loss(m(x), y).mean())(model)
    opt.update(model, grads)
    return loss


for epoch in range(EPOCHS):
    rng.shuffle(tr)
    total = 0.0
    for i in range(0, len(tr) - BATCH + 1, BATCH):
        total += float(step(model, opt, jnp.asarray(feats[tr[i : i + BATCH]]), jnp.asarray(z[tr[i : i + BATCH]])))
    if epoch % 6 == 0:
        print(f"{epoch:02d} {total / (len(tr) // BATCH):.4f}")
print("R2", r2_score(z[te], np.asarray(model(jnp.asarray(feats[te])))))
