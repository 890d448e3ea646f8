"""Heat flow from a straight fin, fitted by a small network."""

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def fin_heat(n, rng):
    h = rng.uniform(10, 120, n)  # W/m2K
    k = rng.uniform(20, 380, n)  # W/mK
    thickness = rng.uniform(1e-3, 5e-3, n)  # m
    length = rng.uniform(0.02, 0.1, n)  # m
    excess = rng.uniform(20, 90, n)  # K
    m = np.sqrt(2 * h / (k * thickness))
    q = np.sqrt(2 * h * k * thickness) * excess * np.tanh(m * length)
    return np.column_stack([h, k, thickness, length, excess]), np.log(q) + rng.normal(0, 0.02, n)


def main():
    rng = np.random.default_rng(100)
    torch.manual_seed(100)
    x, y = fin_heat(900, rng)
    mu, sd = x[:700].mean(axis=0), x[:700].std(axis=0)
    x = torch.tensor((x - mu) / sd, dtype=torch.float32)
    y = torch.tensor((y - y[:700].mean()) / y[:700].std(), dtype=torch.float32).unsqueeze(-1)
    loader = DataLoader(TensorDataset(x[:700], y[:700]), batch_size=70, shuffle=True)

    net = nn.Sequential(nn.Linear(5, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 1))
    sgd = torch.optim.SGD(net.parameters(), lr=5e-3, momentum=0.95, nesterov=True)
    mse = nn.MSELoss()
    for epoch in range(201):
        for xb, yb in loader:
            sgd.zero_grad()
            loss = mse(net(xb), yb)
            loss.backward()
            sgd.step()
        if epoch % 40 == 0:
            with torch.no_grad():
                print(f"epoch {epoch:3d}: train {mse(net(x[:700]), y[:700]):.4f} test {mse(net(x[700:]), y[700:]):.4f}")

    with torch.no_grad():
        rest = y[700:] - net(x[700:])
    print(f"test R2 {1 - (rest.var() / y[700:].var()).item():.4f}")


if __name__ == "__main__":
    main()
