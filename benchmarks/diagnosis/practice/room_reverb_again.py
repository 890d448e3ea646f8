from itertools import pairwise

import numpy as np
import torch
from sklearn.metrics import r2_score
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
from torch import nn


def mlp(sizes, activation=nn.SiLU):
    layers = []
    for n_in, n_out in pairwise(sizes):
        layers += [nn.Linear(n_in, n_out), activation()]
    return nn.Sequential(*layers)


def eyring(length, width, height, alpha, people, humidity):
    volume = length * width * height
    surface = 2 * (length * width + length * height + width * height)
    air = 4 * volume * (0.003 + 0.004 * (0.7 - humidity))
    return 0.161 * volume / (-surface * np.log(1 - alpha) + 0.45 * people + air)


rng = np.random.default_rng(30)
n = 2000
rooms = np.column_stack(
    [
        rng.uniform(4, 20, n),
        rng.uniform(3, 15, n),
        rng.uniform(2.4, 8, n),
        rng.uniform(0.04, 0.5, n),
        rng.integers(0, 60, n),
        rng.uniform(0.2, 0.7, n),
    ]
)
t60 = eyring(*rooms.T) * np.exp(rng.normal(0, 0.04, n))
a, b, ta, tb = train_test_split(rooms, np.log(t60), test_size=0.25, random_state=0)
x_scaler, y_scaler = StandardScaler().fit(a), StandardScaler().fit(ta[:, None])
a, b = (torch.tensor(x_scaler.transform(v), dtype=torch.float32) for v in (a, b))
ta = torch.tensor(y_scaler.transform(ta[:, None]), dtype=torch.float32)

torch.manual_seed(30)
net = mlp([6, 40, 40, 1])
optimizer = torch.optim.RMSprop(net.parameters(), lr=1e-3)
scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=60)
for epoch in range(60):
    for idx in torch.randperm(len(a)).split(50):
        optimizer.zero_grad()
        loss = nn.functional.mse_loss(net(a[idx]), ta[idx])
        loss.backward()
        optimizer.step()
    scheduler.step()
    if epoch % 15 == 0:
        print(f"{epoch:3d} {loss.item():.4f}")

with torch.no_grad():
    prediction = y_scaler.inverse_transform(net(b).numpy())[:, 0]
print("R2 (log T60):", r2_score(tb, prediction))
