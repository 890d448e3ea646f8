"""Estimate the bearing load from spectral features of simulated accelerometer records."""

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def record(load, speed, rng, length=256, rate=2048.0):
    t = np.arange(length) / rate
    shaft = np.sin(2 * np.pi * speed * t + rng.uniform(0, 6.28))
    tooth = load**0.7 * np.sin(2 * np.pi * 11 * speed * t + rng.uniform(0, 6.28))
    impact = 0.3 * load * np.exp(-((t * speed * 3.2) % 1) * 8)
    return shaft + tooth + impact + 0.2 * rng.standard_normal(length)


def features(signal):
    spectrum = np.abs(np.fft.rfft(signal * np.hanning(len(signal))))
    bands = np.array([b.mean() for b in np.array_split(spectrum[1:], 12)])
    rms = np.sqrt(np.mean(signal**2))
    crest = np.abs(signal).max() / rms
    return np.concatenate([np.log(bands), [rms, crest, signal.mean()]])


rng = np.random.default_rng(15)
torch.manual_seed(15)

loads = rng.uniform(0.2, 4.0, 1400)
speeds = rng.uniform(20.0, 45.0, 1400)
table = np.array([features(record(a, s, rng)) for a, s in zip(loads, speeds, strict=True)])
table = (table - table[:1100].mean(0)) / table[:1100].std(0)
level = (loads - loads[:1100].mean()) / loads[:1100].std()
X = torch.tensor(table, dtype=torch.float32)
Y = torch.tensor(level, dtype=torch.float32).unsqueeze(1)

loader = DataLoader(TensorDataset(X[:1100], Y[:1100]), batch_size=50, shuffle=True)

model = nn.Sequential(nn.Linear(15, 32), nn.ReLU(), nn.Linear(32, 16), nn.ReLU(), nn.Linear(16, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, weight_decay=1e-4)
criterion = nn.MSELoss()

for epoch in range(60):
    model.train()
    losses = []
    for xb, yb in loader:
        optimizer.zero_grad()
        loss = criterion(model(xb), yb)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    if epoch % 10 == 9:
        print(f"epoch {epoch + 1}: loss {np.mean(losses):.4f}")

model.eval()
with torch.no_grad():
    error = Y[1100:] - model(X[1100:])
    r2 = 1 - error.pow(2).sum() / (Y[1100:] - Y[1100:].mean()).pow(2).sum()
print(f"held-out R2 {r2.item():.3f}, mean abs error {error.abs().mean().item() * loads[:1100].std():.3f} kN")
