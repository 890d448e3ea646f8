"""Conversion in a stirred tank with a reversible exothermic reaction."""

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

R_GAS = 8.314


def conversion(temp, tau, feed):
    k1 = 5e6 * np.exp(-52000 / (R_GAS * temp))
    keq = np.exp(9000 * (1 / temp - 1 / 360))
    k2 = k1 / keq
    return k1 * tau * feed / (1 + k1 * tau * feed + k2 * tau)


class Reactor(nn.Module):
    def __init__(self, n_in, width=64):
        super().__init__()
        self.inp = nn.Linear(n_in, width)
        self.mid = nn.Linear(width, width)
        self.out = nn.Linear(width, 1)

    def forward(self, x):
        h = torch.relu(self.inp(x))
        h = torch.relu(self.mid(h))
        return self.out(h)


def main():
    rng = np.random.default_rng(11)
    torch.manual_seed(11)
    n = 1200
    temp = rng.uniform(300, 430, n)
    tau = rng.uniform(20, 400, n)
    feed = rng.uniform(0.5, 2.0, n)
    y = conversion(temp, tau, feed) + rng.normal(0, 0.01, n)
    x = np.stack([temp, tau, feed], 1)
    x = (x - x[:900].mean(0)) / x[:900].std(0)
    y = (y - y[:900].mean()) / y[:900].std()
    xt = torch.tensor(x, dtype=torch.float32)
    yt = torch.tensor(y, dtype=torch.float32).unsqueeze(1)

    loader = DataLoader(TensorDataset(xt[:900], yt[:900]), batch_size=64, shuffle=True)
    net = Reactor(3)
    opt = torch.optim.Adam(net.parameters(), lr=2e-3)
    crit = nn.MSELoss()
    for epoch in range(80):
        total = 0.0
        for xb, yb in loader:
            opt.zero_grad()
            loss = crit(net(xb), yb)
            loss.backward()
            opt.step()
            total += loss.item() * len(xb)
        if epoch % 20 == 19:
            print(f"epoch {epoch + 1:3d}  train mse {total / 900:.4f}")

    net.eval()
    with torch.no_grad():
        res = yt[900:] - net(xt[900:])
    r2 = 1 - (res**2).sum() / ((yt[900:] - yt[900:].mean()) ** 2).sum()
    print(f"held-out R2 = {r2.item():.3f}")


if __name__ == "__main__":
    main()
