"""Energy per day (kJ) of a centrifugal pump from speed, flow, impeller diameter, wear and the liquid."""

import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx


def catalogue(n, rng):
    speed = rng.uniform(900.0, 2900.0, n)
    flow = rng.uniform(0.02, 0.20, n)
    diameter = rng.uniform(0.20, 0.40, n)
    viscosity = np.exp(rng.uniform(0.0, np.log(60.0), n))
    density = rng.uniform(700.0, 1300.0, n)
    wear = rng.uniform(0.0, 1.0, n)
    head = 0.12 * (speed / 60.0 * diameter * np.pi) ** 2 / 9.81 * 4.0 - 120.0 * flow**2
    best = 0.11 * (speed / 1900.0) * (diameter / 0.3) ** 2
    efficiency = 0.82 * np.exp(-0.5 * (np.log(flow / best) / 0.9) ** 2) * viscosity**-0.06 * (1.0 - 0.25 * wear)
    power = density * 9.81 * flow * np.maximum(head, 2.0) / np.maximum(efficiency, 0.25)
    inputs = np.column_stack([speed, flow, diameter, np.log(viscosity), density, wear])
    return inputs, 86.4 * power[:, None]


class PumpNet(nnx.Module):
    def __init__(self, rngs):
        self.a = nnx.Linear(6, 64, rngs=rngs)
        self.b = nnx.Linear(64, 64, rngs=rngs)
        self.c = nnx.Linear(64, 1, rngs=rngs)

    def __call__(self, x):
        return self.c(nnx.gelu(self.b(nnx.gelu(self.a(x)))))


rng = np.random.default_rng(14)
inputs, energy = catalogue(2000, rng)
inputs = (inputs - inputs.mean(axis=0)) / inputs.std(axis=0)
scale, offset = energy[:1600].std(), energy[:1600].mean()
targets = (energy - offset) / scale
x_train, y_train = jnp.asarray(inputs[:1600]), jnp.asarray(targets[:1600])
x_test, y_test = jnp.asarray(inputs[1600:]), targets[1600:]

model = PumpNet(nnx.Rngs(14))
optimizer = nnx.Optimizer(model, optax.adam(2e-3), wrt=nnx.Param)


@nnx.jit
def update(model, optimizer, x, y):
    def loss_fn(net):
        return jnp.mean((net(x) - y) ** 2)

    loss, grads = nnx.value_and_grad(loss_fn)(model)
    optimizer.update(model, grads)
    return loss


for epoch in range(18):
    order = rng.permutation(len(x_train))
    for start in range(0, len(order), 32):
        rows = order[start : start + 32]
        loss = update(model, optimizer, x_train[rows], y_train[rows])
    if epoch % 6 == 5:
        print(f"epoch {epoch + 1}  loss {float(loss):.5g}")

predicted = np.asarray(model(x_test))
print("R2:", round(float(1 - np.sum((predicted - y_test) ** 2) / np.sum((y_test - y_test.mean()) ** 2)), 3))
