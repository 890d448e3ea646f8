"""What watching a script costs it: `python -m benchmarks.watching [PAIRS]`

A 2-10-5-1 network at batch 32, as people write the loop, in fresh processes with and without a watcher, one after the other in
turns; the loop's own CPU time is compared, pair by pair. The final weights must be the same to the last bit.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from benchmarks.results import keep

STEPS = 10_000
TORCH = f"""
import hashlib, time
import numpy as np, torch
from torch import nn
torch.manual_seed(0)
x = torch.rand(850, 2); y = (x ** 2).sum(1, keepdim=True)
model = nn.Sequential(nn.Linear(2, 10), nn.ReLU(), nn.Linear(10, 5), nn.ReLU(), nn.Linear(5, 1))
criterion = nn.MSELoss()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
begun = time.process_time()
for step in range({STEPS}):
    rows = torch.randint(0, len(x), (32,))
    loss = criterion(model(x[rows]), y[rows])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
seconds = time.process_time() - begun
print(seconds, hashlib.sha256(b"".join(p.detach().numpy().tobytes() for p in model.parameters())).hexdigest())
"""
JAX = f"""
import hashlib, time
import jax, jax.numpy as jnp, numpy as np, optax
from flax import nnx
rng = np.random.default_rng(0)
x = jnp.asarray(rng.random((850, 2), np.float32)); y = (x ** 2).sum(1, keepdims=True)
rngs = nnx.Rngs(0)
first, second, third = (nnx.Linear(i, o, rngs=rngs) for i, o in ((2, 10), (10, 5), (5, 1)))
model = nnx.Sequential(first, nnx.relu, second, nnx.relu, third)
optimizer = nnx.Optimizer(model, optax.adam(1e-3), wrt=nnx.Param)
@nnx.jit
def train_step(model, optimizer, x, y):
    loss, gradients = nnx.value_and_grad(lambda model: jnp.mean((model(x) - y) ** 2))(model)
    optimizer.update(model, gradients)
    return loss
order = rng.integers(0, 850, ({STEPS}, 32))
begun = time.process_time()
for rows in order:
    loss = train_step(model, optimizer, x[rows], y[rows])
loss.block_until_ready()
seconds = time.process_time() - begun
print(seconds, hashlib.sha256(b"".join(np.asarray(a).tobytes() for a in jax.tree.leaves(nnx.state(model)))).hexdigest())
"""


def main(pairs: int) -> None:
    """Run the pairs, print the median ratio of each framework and keep it."""
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for name, text in (("torch", TORCH), ("jax", JAX)):
            script = Path(folder) / f"{name}_loop.py"
            script.write_text(text, encoding="utf-8")
            for pair in range(pairs):
                order = (False, True) if pair % 2 else (True, False)
                runs = {watched: run(script, watched) for watched in order}
                rows.append(
                    {
                        "framework": name,
                        "pair": pair,
                        "alone": runs[False][0],
                        "watched": runs[True][0],
                        "same_bits": runs[False][1] == runs[True][1],
                    }
                )
            mine = [row for row in rows if row["framework"] == name]
            ratio = np.median([row["watched"] / row["alone"] for row in mine])
            same = all(row["same_bits"] for row in mine)
            print(f"{name}: watched {ratio:.3f} times the loop's own CPU time ({STEPS} steps); same weights: {same}")
    print(f"kept in {keep('watching', rows, ['jax', 'torch'])}")


def run(script: Path, watched: bool) -> tuple[float, str]:
    """CPU seconds of the loop, and the hash of the weights."""
    through = ["-m", "parity.diagnose.child", os.devnull, "600", "0.01"] if watched else []
    done = subprocess.run(
        [sys.executable, *through, str(script)],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    seconds, digest = done.stdout.split()[-2:]
    return float(seconds), digest


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 7)
