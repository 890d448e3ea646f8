import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class Encoder(nn.Module):
    def __init__(self, n_in, n_code):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(n_in, 32), nn.Tanh(), nn.Linear(32, n_code), nn.Tanh())

    def forward(self, x):
        return self.net(x)


def reactor(n, seed):
    rng = np.random.default_rng(seed)
    temp = rng.uniform(520, 680, n)
    residence = rng.uniform(0.2, 3.0, n)
    pressure = rng.uniform(1.0, 6.0, n)
    poison = rng.uniform(0.0, 0.5, n)
    k = 1.2 * np.exp(-9500 * (1 / temp - 1 / 600)) * (1 - poison) ** 2 * pressure**0.3
    conversion = 1 - np.exp(-k * residence)
    selectivity = 1 / (1 + np.exp((temp - 630) / 18)) + 0.1 * poison
    x = np.column_stack([temp, residence, pressure, poison])
    y = np.column_stack([conversion, selectivity, conversion * selectivity])
    return x, y + 0.01 * rng.standard_normal(y.shape)


def zscore(a, n):
    return torch.tensor((a - a[:n].mean(0)) / a[:n].std(0), dtype=torch.float32)


torch.manual_seed(41)
x, y = reactor(1000, 41)
x, y = zscore(x, 800), zscore(y, 800)
loader = DataLoader(TensorDataset(x[:800], y[:800]), batch_size=50, shuffle=True)
encoder, head = Encoder(4, 5), nn.Linear(5, 3)
optimizer = torch.optim.Adam(head.parameters(), lr=2e-3)

for epoch in range(1):
    for xb, yb in loader:
        optimizer.zero_grad()
        loss = nn.functional.mse_loss(head(encoder(xb)), yb)
        loss.backward()
        optimizer.step()
    if epoch % 20 == 0:
        print(f"epoch {epoch} loss {loss.item():.4f}")

with torch.no_grad():
    pred = head(encoder(x[800:]))
    ss = (y[800:] - y[800:].mean(0)).pow(2).sum(0)
    r2 = 1 - (pred - y[800:]).pow(2).sum(0) / ss
print("conversion, selectivity, yield R2:", [round(v, 3) for v in r2.tolist()], f"mean {r2.mean():.3f}")
