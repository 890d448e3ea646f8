"""Heating demand of buildings with small micro-batches."""

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

MICRO_BATCH = 10
ACCUMULATE = 5


class Demand(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(5, 40),
            nn.LeakyReLU(0.1),
            nn.Linear(40, 40),
            nn.LeakyReLU(0.1),
            nn.Linear(40, 1),
        )

    def forward(self, x):
        return self.layers(x)


def build_table(n, seed):
    g = np.random.default_rng(seed)
    area, u_value = g.uniform(60, 300, n), g.uniform(0.15, 1.4, n)
    window, degree_days, gains = g.uniform(0.1, 0.5, n), g.uniform(2000, 4000, n), g.uniform(2, 6, n)
    losses = area * (1.8 * u_value * (1 - window) + 1.3 * window + 0.35) * degree_days * 24 / 1000
    demand = np.maximum(losses - gains * area * 5 * window, 0.05 * losses)
    demand = demand * g.lognormal(0, 0.05, n)
    return np.column_stack([area, u_value, window, degree_days, gains]), demand


def train(model, loader, optimizer, criterion, epochs):
    for epoch in range(epochs):
        optimizer.zero_grad()
        running = 0.0
        for i, (xb, yb) in enumerate(loader):
            loss = criterion(model(xb), yb) / ACCUMULATE
            loss.backward()
            running += loss.item() * ACCUMULATE
            if (i + 1) % ACCUMULATE == 0:
                optimizer.step()
                optimizer.zero_grad()
        if epoch % 10 == 0:
            print(f"epoch {epoch:2d} mean loss {running / len(loader):.4f}")


if __name__ == "__main__":
    torch.manual_seed(24)
    x, y = build_table(1500, seed=24)
    x_mean, x_std, y_mean, y_std = x[:1200].mean(0), x[:1200].std(0), y[:1200].mean(), y[:1200].std()
    x = torch.tensor((x - x_mean) / x_std, dtype=torch.float32)
    y = torch.tensor((y - y_mean) / y_std, dtype=torch.float32).view(-1, 1)

    model = Demand()
    loader = DataLoader(TensorDataset(x[:1200], y[:1200]), batch_size=MICRO_BATCH, shuffle=True)
    train(model, loader, torch.optim.Adam(model.parameters(), lr=3e-3), nn.MSELoss(), epochs=40)
    with torch.no_grad():
        err = nn.functional.mse_loss(model(x[1200:]), y[1200:])
    print(f"R2 {1 - err.item() / y[1200:].var().item():.3f}")
