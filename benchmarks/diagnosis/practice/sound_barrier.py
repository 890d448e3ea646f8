import csv
import math
import random
import tempfile
from pathlib import Path

import torch


def make_rows(n, seed):
    rnd = random.Random(seed)
    for _ in range(n):
        height = rnd.uniform(1.0, 6.0)
        source = rnd.uniform(3.0, 30.0)
        receiver = rnd.uniform(5.0, 60.0)
        freq = 10 ** rnd.uniform(2.0, 3.6)
        detour = math.hypot(source, height) + math.hypot(receiver, height) - source - receiver
        fresnel = 2 * detour * freq / 343.0
        loss = 10 * math.log10(3 + 20 * fresnel) + rnd.gauss(0, 0.4)
        yield height, source, receiver, math.log10(freq), loss


path = Path(tempfile.mkdtemp()) / "barrier.csv"
with path.open("w", newline="") as f:
    writer = csv.writer(f)
    writer.writerow(["height", "source", "receiver", "logf", "attenuation"])
    writer.writerows(make_rows(800, 3))

with path.open() as f:
    records = [[float(v) for v in row.values()] for row in csv.DictReader(f)]
data = torch.tensor(records)
data = (data - data[:600].mean(0)) / data[:600].std(0)
inputs, target = data[:, :4], data[:, 4:]

g = torch.Generator().manual_seed(1)
w1 = (torch.randn(4, 32, generator=g) / 2).requires_grad_()
b1 = torch.zeros(32, requires_grad=True)
w2 = (torch.randn(32, 1, generator=g) / 32**0.5).requires_grad_()
b2 = torch.zeros(1, requires_grad=True)
params = [w1, b1, w2, b2]


def predict(x):
    hidden = torch.tanh(x @ w1 + b1)
    return torch.sigmoid(hidden @ w2 + b2)


optimizer = torch.optim.RMSprop(params, lr=0.003)
for step in range(1500):
    rows = torch.randint(0, 600, (64,), generator=g)
    loss = ((predict(inputs[rows]) - target[rows]) ** 2).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 300 == 0:
        print(step, round(loss.item(), 4))

with torch.no_grad():
    rest = target[600:]
    sse = ((predict(inputs[600:]) - rest) ** 2).sum()
    print("R2 test", round((1 - sse / ((rest - rest.mean()) ** 2).sum()).item(), 3))
