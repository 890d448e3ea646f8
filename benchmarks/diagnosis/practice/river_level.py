"""Next-hour river level from the last twelve hours of level and rain (GRU)."""

import numpy as np
import torch
from torch import nn

rng = np.random.default_rng(101)
torch.manual_seed(101)
hours, window = 1500, 12
rain = np.where(rng.random(hours) < 0.12, rng.gamma(2.0, 3.0, hours), 0.0)
level = np.zeros(hours)
for t in range(1, hours):
    wave = rain[max(t - 4, 0) : t].sum()
    level[t] = level[t - 1] * 0.93 + 0.05 * wave**1.2 / (1 + 0.1 * wave) + 0.01 * rng.normal()

series = np.column_stack([(level - level.mean()) / level.std(), rain / 5]).astype(np.float32)
x = torch.from_numpy(np.stack([series[t - window : t] for t in range(window, hours)]))
y = torch.from_numpy(series[window:, 0].copy())
cut = 1100


class LevelGRU(nn.Module):
    def __init__(self, hidden=16):
        super().__init__()
        self.gru = nn.GRU(2, hidden, batch_first=True)
        self.out = nn.Linear(hidden, 1)

    def forward(self, x):
        states, _ = self.gru(x)
        return self.out(states[:, -1]).squeeze(-1)


model = LevelGRU()
opt = torch.optim.Adam(model.parameters(), lr=1e-2)
plateau = torch.optim.lr_scheduler.ReduceLROnPlateau(opt, factor=0.5, patience=3)
for epoch in range(30):
    total = 0.0
    for idx in torch.randperm(cut).split(50):
        opt.zero_grad()
        loss = nn.functional.mse_loss(model(x[idx]), y[idx])
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        opt.step()
        total += loss.item() * len(idx)
    plateau.step(total / cut)
    if epoch % 6 == 0:
        print("epoch", epoch, "loss", total / cut)
with torch.no_grad():
    pred = model(x[cut:])
truth = y[cut:]
print("R2", 1 - ((pred - truth) ** 2).sum().item() / ((truth - truth.mean()) ** 2).sum().item())
print(
    "R2 of persistence", 1 - ((x[cut:, -1, 0] - truth) ** 2).sum().item() / ((truth - truth.mean()) ** 2).sum().item()
)
