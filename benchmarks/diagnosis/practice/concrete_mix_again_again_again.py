"""Compressive strength of concrete from its mix and age."""

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def mixes(n, rng):
    cement = rng.uniform(180, 500, n)
    slag = rng.uniform(0, 200, n)
    ash = rng.uniform(0, 150, n)
    water = rng.uniform(140, 220, n)
    age = np.exp(rng.uniform(np.log(3), np.log(365), n))
    binder = cement + 0.8 * slag + 0.4 * ash
    strength = 95.0 * np.exp(-1.1 * water / binder * 1.6) * (age / (4.0 + 0.85 * age)) + 0.02 * ash * np.log(age)
    strength = strength + rng.normal(0, 1.2, n)
    return np.column_stack([cement, slag, ash, water, np.log(age)]), strength


class Trainer:
    def __init__(self, model, lr, epochs):
        self.model = model
        self.epochs = epochs
        self.optimizer = torch.optim.Adam(model.parameters(), lr=lr)
        self.criterion = nn.MSELoss()

    def fit(self, loader):
        self.model.train()
        for epoch in range(self.epochs):
            total, count = 0.0, 0
            for xb, yb in loader:
                self.optimizer.zero_grad()
                loss = self.criterion(self.model(xb), yb)
                loss.backward()
                self.optimizer.step()
                total += loss.item() * len(xb)
                count += len(xb)
            print(f"epoch {epoch + 1}: {total / count:.4f}")
        return self

    @torch.no_grad()
    def score(self, x, y):
        residual = self.model(x) - y
        return 1.0 - (residual.pow(2).sum() / (y - y.mean()).pow(2).sum()).item()


def main():
    rng = np.random.default_rng(9)
    torch.manual_seed(9)
    x, y = mixes(1500, rng)
    x = (x - x[:1200].mean(0)) / x[:1200].std(0)
    y = (y - y[:1200].mean()) / y[:1200].std()
    x, y = torch.tensor(x).float(), torch.tensor(y).float()[:, None]
    loader = DataLoader(TensorDataset(x[:1200], y[:1200]), batch_size=100, shuffle=True)
    model = nn.Sequential(
        nn.Linear(5, 96), nn.ReLU(), nn.Dropout(0.5), nn.Linear(96, 96), nn.ReLU(), nn.Dropout(0.5), nn.Linear(96, 1)
    )
    trainer = Trainer(model, lr=3e-4, epochs=2).fit(loader)
    print(f"train R2 {trainer.score(x[:1200], y[:1200]):.3f}")
    print(f"test R2  {trainer.score(x[1200:], y[1200:]):.3f}")


if __name__ == "__main__":
    main()
