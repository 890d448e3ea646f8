"""Scatter of fatigue life: S-N line with wide specimen-to-specimen variation; gradients gathered over four chunks."""

import numpy as np
import torch
from torch import nn

rng = np.random.default_rng(31)
torch.manual_seed(31)
stress = rng.uniform(150, 500, 4000)
ratio = rng.uniform(-1, 0.5, 4000)
clean = 18 - 5 * np.log10(stress) + 0.5 * np.sin(2.5 * ratio)
sigma = 0.8 * clean.std()
log_n = clean + rng.normal(0, sigma, 4000)

x = torch.tensor(np.column_stack([(stress - 325) / 100, ratio * 2]), dtype=torch.float32)
y = torch.tensor((log_n - log_n[:3000].mean()) / log_n[:3000].std(), dtype=torch.float32)
net = nn.Sequential(nn.Linear(2, 16), nn.ReLU(), nn.Linear(16, 16), nn.ReLU(), nn.Linear(16, 1))
opt = torch.optim.Adam(net.parameters(), lr=3e-3)

CHUNKS = 4
for epoch in range(40):
    opt.zero_grad()
    for k, rows in enumerate(torch.randperm(3000).split(50), start=1):
        loss = (net(x[rows]).squeeze(-1) - y[rows]).pow(2).mean() / CHUNKS
        loss.backward()
        if k % CHUNKS == 0:
            opt.step()
            opt.zero_grad()
    if epoch % 8 == 0:
        print(epoch, round(loss.item() * CHUNKS, 4))

with torch.no_grad():
    err = net(x[3000:]).squeeze(-1) - y[3000:]
print("R2", float(1 - err.square().mean() / y[3000:].var()))
print("share of variance in the S-N line", 1 - np.var(log_n[3000:] - clean[3000:]) / np.var(log_n[3000:]))
