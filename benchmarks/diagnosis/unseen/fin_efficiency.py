import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx

rng = np.random.default_rng(28)

# heat loss and tip temperature of a rod fin: h (W/m2K), k (W/mK), diameter (m), length (m)
n = 1100
h = rng.uniform(5, 120, n)
k = rng.uniform(15, 380, n)
d = rng.uniform(0.003, 0.02, n)
length = rng.uniform(0.03, 0.25, n)
m = np.sqrt(4 * h / (k * d))
loss_w = np.sqrt(h * np.pi * d * k * np.pi * d**2 / 4) * 60 * np.tanh(m * length)
tip = 20 + 60 / np.cosh(m * length)
targets = np.column_stack([np.log(loss_w), tip])
inputs = np.log(np.column_stack([h, k, d, length]))
inputs = (inputs - inputs.mean(0)) / inputs.std(0)
targets = (targets - targets.mean(0)) / targets.std(0)
x, y = jnp.asarray(inputs, jnp.float32), jnp.asarray(targets, jnp.float32)


class Fin(nnx.Module):
    def __init__(self, rngs):
        self.lin1 = nnx.Linear(4, 48, rngs=rngs)
        self.bn = nnx.BatchNorm(48, momentum=0.9, rngs=rngs)
        self.lin2 = nnx.Linear(48, 24, rngs=rngs)
        self.lin3 = nnx.Linear(24, 2, rngs=rngs)

    def __call__(self, x):
        x = nnx.silu(self.bn(self.lin1(x)))
        return self.lin3(nnx.silu(self.lin2(x)))


@nnx.jit
def train_step(model, opt, xb, yb):
    def loss_fn(model):
        return jnp.mean((model(xb) - yb) ** 2)

    loss, grads = nnx.value_and_grad(loss_fn)(model)
    opt.update(model, grads)
    return loss


EPOCHS, BATCH, TRAIN = 40, 75, 900
model = Fin(nnx.Rngs(28))
schedule = optax.cosine_decay_schedule(8e-3, EPOCHS * TRAIN // BATCH, alpha=0.01)
opt = nnx.Optimizer(model, optax.adam(schedule), wrt=nnx.Param)
for epoch in range(EPOCHS):
    model.train()
    for idx in rng.permutation(TRAIN).reshape(-1, BATCH):
        loss = train_step(model, opt, x[idx], y[idx])
    if epoch % 10 == 9:
        print(f"epoch {epoch + 1}  loss {float(loss):.5f}")

model.eval()
err = ((model(x[TRAIN:]) - y[TRAIN:]) ** 2).mean(0) / y[TRAIN:].var(0)
print(f"R2 heat loss {1 - err[0]:.4f}, tip temperature {1 - err[1]:.4f}")
