"""Travel time over a link from the export of its loop detectors."""

import csv
import tempfile
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx


def write_export(path, n=1500, seed=33):
    rng = np.random.default_rng(seed)
    flow = rng.uniform(200, 1900, n)
    occupancy = rng.uniform(0.03, 0.47, n)
    signals = rng.integers(0, 5, n)
    length = rng.uniform(0.4, 3.0, n)
    speed = 75 / (1 + (occupancy / 0.22) ** 3) + 8 - flow / 400
    seconds = 3600 * length / speed + 14 * signals * (1 + flow / 1900)
    seconds = np.log(seconds) + rng.normal(0, 0.03, n)
    with path.open("w", newline="") as f:
        w = csv.writer(f)
        w.writerow(["flow", "occupancy", "signals", "length", "log_seconds"])
        for row in zip(flow, occupancy, signals, length, seconds):
            w.writerow([f"{row[0]:.0f}", f"{row[1]:.0f}", row[2], f"{row[3]:.2f}", f"{row[4]:.4f}"])


def read_export(path):
    with path.open() as f:
        rows = [[float(v) for v in r.values()] for r in csv.DictReader(f)]
    a = np.array(rows, dtype=np.float32)
    return a[:, :-1], a[:, -1:]


with tempfile.TemporaryDirectory() as folder:
    export = Path(folder) / "loops.csv"
    write_export(export)
    x, y = read_export(export)

x = (x - x.mean(0)) / (x.std(0) + 1e-6)
y = (y - y.mean()) / y.std()
x, y = jnp.asarray(x), jnp.asarray(y)
rngs = nnx.Rngs(params=33)
net = nnx.Sequential(
    nnx.Linear(4, 40, rngs=rngs), jax.nn.relu, nnx.Linear(40, 40, rngs=rngs), jax.nn.relu, nnx.Linear(40, 1, rngs=rngs)
)
optimizer = nnx.Optimizer(net, optax.adam(3e-3), wrt=nnx.Param)


def loss_fn(net, x, y):
    return jnp.square(net(x) - y).mean()


@nnx.jit
def train_step(net, optimizer, x, y):
    loss, grads = nnx.value_and_grad(loss_fn)(net, x, y)
    optimizer.update(net, grads)
    return loss


key = jax.random.key(0)
for epoch in range(50):
    key, sub = jax.random.split(key)
    for b in jax.random.permutation(sub, 1200).reshape(24, 50):
        loss = train_step(net, optimizer, x[b], y[b])
    if epoch % 10 == 0:
        print(epoch, float(loss))
print("R2 on the last 300:", float(1 - loss_fn(net, x[1200:], y[1200:]) / y[1200:].var()))
