"""Insertion loss of a noise barrier (Maekawa) for source, barrier and receiver geometry."""

import numpy as np
import torch
from torch import nn

rng = np.random.default_rng(50)
torch.manual_seed(50)
n = 1500
height = rng.uniform(1.5, 6, n)
d_source = rng.uniform(4, 30, n)
d_receiver = rng.uniform(5, 80, n)
octave = rng.integers(0, 6, n)
freq = 125.0 * 2.0**octave
path = np.hypot(d_source, height - 0.5) + np.hypot(d_receiver, height - 1.5) - np.hypot(d_source + d_receiver, 1.0)
fresnel = 2 * path * freq / 343
loss_db = 10 * np.log10(3 + 20 * fresnel) + rng.normal(0, 0.3, n)

x = np.column_stack([height, d_source, d_receiver, octave]).astype(np.float32)
x = (x - x.mean(0)) / x.std(0)
y = ((loss_db - loss_db.mean()) / loss_db.std()).astype(np.float32).reshape(-1, 1)
x_train, x_test = x[:1200].copy(), x[1200:]
y_train, y_test = y[:1200].copy(), y[1200:]

model = nn.Sequential(nn.Linear(4, 48), nn.ELU(), nn.Linear(48, 48), nn.ELU(), nn.Linear(48, 1))
optimizer = torch.optim.RMSprop(model.parameters(), lr=1e-3)
mse = nn.MSELoss()
for epoch in range(60):
    perm = rng.permutation(1200)
    x_train, y_train = x_train[perm], y_train[perm]
    for i in range(0, 1200, 48):
        xb = torch.from_numpy(x_train[i : i + 48])
        yb = torch.from_numpy(y_train[i : i + 48])
        optimizer.zero_grad()
        loss = mse(model(xb), yb)
        loss.backward()
        optimizer.step()
    if epoch % 12 == 0:
        print("epoch %d: %.4f" % (epoch, loss.item()))

with torch.no_grad():
    p = model(torch.from_numpy(x_test)).numpy()
print("R2 %.3f" % (1 - ((p - y_test) ** 2).sum() / ((y_test - y_test.mean()) ** 2).sum()))
