"""Crop yield from weather and soil plots, scored on plots put aside."""

import numpy as np
import torch
import torch.nn as nn

torch.manual_seed(8)
rng = np.random.default_rng(8)

N_PLOTS, N_FEATURES = 260, 12
weather = rng.normal(size=(N_PLOTS, N_FEATURES))
rain, heat, soil = weather[:, 0], weather[:, 1], weather[:, 2]
yield_t = 6 + 0.8 * rain - 0.5 * heat**2 + 0.4 * rain * soil + rng.normal(0, 1.0, N_PLOTS)

held = rng.choice(N_PLOTS, size=65, replace=False)
mask = np.ones(N_PLOTS, dtype=bool)
mask[held] = False

mean, std = weather[mask].mean(axis=0), weather[mask].std(axis=0)
inputs = torch.as_tensor((weather - mean) / std, dtype=torch.float32)
targets = torch.as_tensor((yield_t - yield_t[mask].mean()) / yield_t[mask].std(), dtype=torch.float32)[:, None]

x_train, y_train = inputs[mask], targets[mask]
x_held, y_held = inputs[held], targets[held]

net = nn.Sequential(nn.Linear(N_FEATURES, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 1))
opt = torch.optim.Adam(net.parameters(), lr=2e-3)
loss_fn = nn.MSELoss()


def r2(x, y):
    with torch.no_grad():
        return float(1 - loss_fn(net(x), y) / loss_fn(y.mean().expand_as(y), y))


for step in range(1, 601):
    pick = torch.randint(len(x_train), (64,))
    opt.zero_grad()
    loss = loss_fn(net(x_train[pick]), y_train[pick])
    loss.backward()
    opt.step()
    if step % 100 == 0:
        print(f"step {step}  batch loss {loss.item():.4f}  held-out R2 {r2(x_held, y_held):.3f}")

print(f"R2 on {len(held)} held-out plots: {r2(x_held, y_held):.3f}")
