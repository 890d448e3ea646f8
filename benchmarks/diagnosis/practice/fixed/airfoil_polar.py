"""Lift coefficient of a cambered section from angle of attack, Reynolds number and flap setting."""

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn


def make_table(n, rng):
    alpha = rng.uniform(-6.0, 18.0, n)  # degrees
    reynolds = rng.uniform(2e5, 6e6, n)
    flap = rng.uniform(0.0, 20.0, n)  # degrees
    stall = 11.0 + 1.5 * np.log10(reynolds / 1e6)
    linear = 0.105 * (alpha + 3.0) + 0.022 * flap
    drop = 0.09 * np.logaddexp(0.0, 1.5 * (alpha - stall)) / 1.5 * 1.8
    cl = linear - drop + rng.normal(0.0, 0.02, n)
    return np.stack([alpha, reynolds, flap], axis=1), cl[:, None]


class Polar(nn.Module):
    def __init__(self, width=48):
        super().__init__()
        self.first = nn.Linear(3, width)
        self.second = nn.Linear(width, width)
        self.out = nn.Linear(width, 1)

    def forward(self, x):
        x = torch.tanh(self.first(x))
        x = torch.tanh(self.second(x))
        return self.out(x)


def main():
    torch.manual_seed(3)
    rng = np.random.default_rng(3)
    x, cl = make_table(900, rng)
    x = (x - x[:700].mean(axis=0)) / x[:700].std(axis=0)
    x_train = torch.tensor(x[:700], dtype=torch.float32)
    y_train = torch.tensor(cl[:700], dtype=torch.float32)
    x_test = torch.tensor(x[700:], dtype=torch.float32)
    y_test = torch.tensor(cl[700:], dtype=torch.float32)

    net = Polar()
    opt = torch.optim.Adam(net.parameters(), lr=3e-3)
    history = []
    for step in range(1200):
        opt.zero_grad()
        loss = F.mse_loss(net(x_train), y_train)
        loss.backward()
        opt.step()
        history.append(loss.item())
        if step % 200 == 0:
            print(f"step {step:4d}: train mse {loss.item():.5f}")

    with torch.no_grad():
        residual = y_test - net(x_test)
    r2 = 1 - residual.pow(2).sum() / (y_test - y_test.mean()).pow(2).sum()
    print(f"best train mse {min(history):.5f}")
    print(f"held-out R2 = {r2.item():.3f}")


if __name__ == "__main__":
    main()
