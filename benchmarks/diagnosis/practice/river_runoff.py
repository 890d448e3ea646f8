"""Next-day river discharge from ten-day windows of rain and temperature."""

import numpy as np
import torch
from torch import nn


def catchment(days=1600, seed=77):
    rng = np.random.default_rng(seed)
    season = np.sin(2 * np.pi * np.arange(days) / 365)
    rain = rng.gamma(0.5, 6.0, days) * (rng.random(days) < 0.45)
    temp = 10 + 9 * season + rng.normal(0, 2, days)
    soil, fast, flow = 40.0, 0.0, np.zeros(days)
    for d in range(days):
        runoff = rain[d] * min(soil / 80, 1.0)
        soil = max(soil + rain[d] - runoff - 0.12 * max(temp[d], 0) - 0.04 * soil, 0.0)
        fast = 0.55 * fast + runoff
        flow[d] = 0.45 * fast + 0.04 * soil
    return rain, temp, flow + 0.05 * rng.standard_normal(days)


class RunoffNet(nn.Module):
    def __init__(self, window, channels=3):
        super().__init__()
        self.body = nn.Sequential(
            nn.Linear(window * channels + 1, 40),
            nn.ReLU(),
            nn.Linear(40, 40),
            nn.ReLU(),
        )
        self.out = nn.Linear(40, 1)

    def forward(self, x):
        return self.out(self.body(x)).squeeze(-1)


WINDOW, SPLIT, MICRO, GROUP = 10, 1200, 25, 4
torch.manual_seed(77)
rain, temp, flow = catchment()
series = np.stack([np.log1p(rain), (temp - 10) / 7, np.log1p(np.maximum(flow, 0))], axis=1)
windows = np.stack([series[i : i + WINDOW] for i in range(len(flow) - WINDOW)])
windows = np.concatenate([windows.reshape(len(windows), -1), np.log1p(rain[WINDOW:, None])], axis=1)
target = np.log1p(np.maximum(flow[WINDOW:], 0))
centre, spread = target[:SPLIT].mean(), target[:SPLIT].std()
X = torch.tensor(windows, dtype=torch.float32)
Y = torch.tensor((target - centre) / spread, dtype=torch.float32)

net = RunoffNet(WINDOW)
opt = torch.optim.SGD(net.parameters(), lr=4e-4, momentum=0.9, weight_decay=1e-3)

for epoch in range(60):
    order = torch.randperm(SPLIT)
    total = 0.0
    opt.zero_grad()
    for i, rows in enumerate(order.split(MICRO)):
        loss = nn.functional.mse_loss(net(X[rows]), Y[rows], reduction="sum")
        loss.backward()
        total += loss.item()
        if i % GROUP == GROUP - 1:
            opt.step()
            opt.zero_grad()
    if epoch % 10 == 0:
        print(f"epoch {epoch:2d}  train mse {total / SPLIT:.4f}")

net.eval()
with torch.no_grad():
    held = net(X[SPLIT:]) - Y[SPLIT:]
print(f"R2 of the last {len(held)} days: {1 - (held**2).mean().item() / Y[SPLIT:].var(unbiased=False).item():.3f}")
