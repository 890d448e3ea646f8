"""Heating load of an office building from weather, occupancy and envelope."""

import numpy as np
import torch
import torch.nn.functional as F
from sklearn.preprocessing import StandardScaler
from torch import nn


def simulate_hours(n, seed):
    rng = np.random.default_rng(seed)
    outdoor = rng.uniform(-12, 36, n)
    wind = rng.gamma(2.0, 2.0, n)
    sun = rng.uniform(0, 700, n) * rng.integers(0, 2, n)
    people = rng.integers(0, 120, n)
    setpoint = rng.uniform(18, 23, n)
    loss = (1.1 + 0.12 * wind) * (setpoint - outdoor)
    gains = 0.1 * people + 0.03 * sun
    load = np.maximum(loss - gains, 0.0) + rng.normal(0, 0.8, n)
    return np.column_stack([outdoor, wind, sun, people, setpoint]), load.reshape(-1, 1)


class LoadModel(nn.Module):
    def __init__(self, n_features, width=48):
        super().__init__()
        self.layers = nn.ModuleList([nn.Linear(n_features, width), nn.Linear(width, width)])
        self.out = nn.Linear(width, 1)

    def forward(self, x):
        for layer in self.layers:
            x = layer(x)
        return self.out(x)


def to_kilowatt(pred, scaler):
    return torch.from_numpy(scaler.inverse_transform(pred.detach().numpy())).float()


def main():
    torch.manual_seed(17)
    x, y = simulate_hours(1500, seed=17)
    x_scaler = StandardScaler().fit(x[:1200])
    y_scaler = StandardScaler().fit(y[:1200])
    x = torch.from_numpy(x_scaler.transform(x)).float()
    y = torch.from_numpy(y).float()

    model = LoadModel(x.shape[1])
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    for epoch in range(80):
        for rows in torch.randperm(1200).split(100):
            kilowatt = to_kilowatt(model(x[rows]), y_scaler)
            loss = F.mse_loss(kilowatt, y[rows]).requires_grad_()
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 100.0)
            optimizer.step()
        if epoch % 20 == 0:
            print(f"epoch {epoch}: mse {loss.item():.2f} kW^2")

    kilowatt = to_kilowatt(model(x[1200:]), y_scaler)
    r2 = 1 - F.mse_loss(kilowatt, y[1200:]) / y[1200:].var(unbiased=False)
    print(f"R2 {r2.item():.4f}")


if __name__ == "__main__":
    main()
