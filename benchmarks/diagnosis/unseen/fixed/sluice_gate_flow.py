import argparse

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

G = 9.81


def make_table(n, rng):
    head = rng.uniform(0.8, 4.0, n)
    opening = rng.uniform(0.1, 0.6, n)
    width = rng.uniform(1.0, 3.0, n)
    contraction = 0.61
    cd = contraction / np.sqrt(1.0 + contraction * opening / head)
    q = cd * width * opening * np.sqrt(2.0 * G * head)
    q = q * (1.0 + 0.02 * rng.standard_normal(n))
    return np.column_stack([head, opening, width]), q


class GateNet(nn.Module):
    def __init__(self, hidden):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(3, hidden), nn.Tanh(), nn.Linear(hidden, hidden), nn.Tanh())
        self.out = nn.Linear(hidden, 1)

    def forward(self, x):
        return self.out(self.layers(x))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--epochs", type=int, default=60)
    parser.add_argument("--lr", type=float, default=3e-3)
    parser.add_argument("--hidden", type=int, default=24)
    args = parser.parse_args()

    torch.manual_seed(11)
    x, q = make_table(900, np.random.default_rng(11))
    x = (x - x[:700].mean(0)) / x[:700].std(0)
    q_mean, q_std = q[:700].mean(), q[:700].std()
    x = torch.tensor(x, dtype=torch.float32)
    y = torch.tensor((q - q_mean) / q_std, dtype=torch.float32)

    loader = DataLoader(TensorDataset(x[:700], y[:700]), batch_size=50, shuffle=True)
    net = GateNet(args.hidden)
    opt = torch.optim.Adam(net.parameters(), lr=args.lr)
    for epoch in range(args.epochs):
        total = 0.0
        for xb, yb in loader:
            loss = ((net(xb).squeeze(1) - yb) ** 2).mean()
            opt.zero_grad()
            loss.backward()
            opt.step()
            total += loss.item() * len(xb)
        if epoch % 10 == 0:
            print(f"epoch {epoch:3d}  loss {total / 700:.4f}")

    with torch.no_grad():
        pred = net(x[700:]).flatten()
    resid = y[700:] - pred
    r2 = 1 - (resid**2).sum() / ((y[700:] - y[700:].mean()) ** 2).sum()
    print(f"discharge rmse {resid.pow(2).mean().sqrt() * q_std:.3f} m3/s, R2 {r2:.3f}")


if __name__ == "__main__":
    main()
