"""Compress galaxy spectra of 48 channels to four numbers and back."""

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

rng = np.random.default_rng(130)
n, channels = 1500, 48
grid = np.linspace(0, 1, channels)
slope = rng.normal(0, 0.6, (n, 1))
line = rng.uniform(0.3, 0.7, (n, 1))
strength = rng.uniform(0.2, 1.0, (n, 1))
breaks = rng.uniform(0, 0.8, (n, 1))
spectra = 1 + slope * (grid - 0.5) + strength * np.exp(-(((grid - line) / 0.08) ** 2)) + breaks * (grid > 0.25)
spectra = (spectra + rng.normal(0, 0.05, spectra.shape)).astype(np.float32)
spectra -= spectra[:1200].mean(0)
spectra /= spectra[:1200].std(0)


class AutoEncoder(nn.Module):
    def __init__(self, n_in, n_code):
        super().__init__()
        self.encode = nn.Sequential(nn.Linear(n_in, 64), nn.ReLU(), nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, n_code))
        self.decode = nn.Sequential(nn.Linear(n_code, 32), nn.ReLU(), nn.Linear(32, 64), nn.ReLU(), nn.Linear(64, n_in))

    def forward(self, x):
        return self.decode(self.encode(x))


torch.manual_seed(130)
train = torch.from_numpy(spectra[:1200])
test = torch.from_numpy(spectra[1200:])
model = AutoEncoder(channels, 4)
opt = torch.optim.Adam(model.parameters(), lr=2e-3)
for epoch in range(70):
    total = 0.0
    for (batch,) in DataLoader(TensorDataset(train), batch_size=40, shuffle=True):
        loss = nn.functional.mse_loss(model(batch), batch)
        opt.zero_grad()
        loss.backward()
        opt.step()
        total += loss.item()
    if epoch % 15 == 0:
        print("epoch", epoch, "reconstruction", total / 30)
with torch.no_grad():
    rec = model(test)
print("R2", 1 - ((rec - test) ** 2).sum().item() / ((test - test.mean(0)) ** 2).sum().item())
