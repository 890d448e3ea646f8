"""Hourly electric load of a district from time stamps and outdoor temperature."""

import numpy as np
import torch
from sklearn.preprocessing import MinMaxScaler
from torch import nn

rng = np.random.default_rng(25)
torch.manual_seed(25)

stamp = np.arange(0, 24 * 120)
day, hour = stamp // 24, stamp % 24
weekend = (day % 7 >= 5).astype(float)
outdoor = 9 + 9 * np.sin(day / 120 * np.pi) + 3 * np.sin((hour - 9) / 12 * np.pi) + rng.normal(0, 2, len(stamp))
load = 40 + 14 * np.sin((hour - 10) / 12 * np.pi) * (1 - 0.4 * weekend) + 9 * np.exp(-((hour - 19) ** 2) / 6)
load += 2.4 * np.maximum(0, 13 - outdoor) - 6 * weekend + rng.normal(0, 1.5, len(stamp))


def build_table():
    columns = {
        "hour": hour // 24,
        "weekend": weekend,
        "outdoor": outdoor,
        "outdoor_mean": np.convolve(outdoor, np.ones(6) / 6, mode="same"),
    }
    return np.column_stack(list(columns.values()))


table = MinMaxScaler((-1, 1)).fit_transform(build_table())
target = (load - load.mean()) / load.std()
order = rng.permutation(len(stamp))
x = torch.tensor(table[order], dtype=torch.float32)
y = torch.tensor(target[order], dtype=torch.float32)
n_train = 2304

model = nn.Sequential(nn.Linear(4, 48), nn.Tanh(), nn.Linear(48, 48), nn.Tanh(), nn.Linear(48, 1), nn.Flatten(0))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-6)


def evaluate(lo, hi):
    model.eval()
    with torch.no_grad():
        guess = model(x[lo:hi])
    return 1 - ((guess - y[lo:hi]) ** 2).mean().item() / y[lo:hi].var(unbiased=False).item()


for epoch in range(50):
    model.train()
    for start in range(0, n_train, 64):
        loss = nn.functional.huber_loss(model(x[start : start + 64]), y[start : start + 64])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    if epoch % 10 == 9:
        print(f"epoch {epoch + 1:3d}  loss {loss.item():.4f}  train R2 {evaluate(0, n_train):.3f}")

print(f"held-out R2: {evaluate(n_train, len(x)):.3f}")
