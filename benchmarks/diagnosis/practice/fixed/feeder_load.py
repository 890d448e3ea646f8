"""Half-hourly feeder load from weather and calendar."""

import math

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

config = {"base_lr": 0.01, "base_batch": 4, "batch_size": 200, "hidden": 64, "epochs": 60, "seed": 5}


def simulate(n, rng):
    hour = rng.uniform(0, 24, n)
    weekday = rng.integers(0, 7, n)
    temp = 12 + 9 * rng.standard_normal(n)
    cloud = rng.uniform(0, 1, n)
    heating = np.clip(16 - temp, 0, None) * 0.35
    cooling = np.clip(temp - 22, 0, None) * 0.6
    daily = 3 * np.exp(-(((hour - 8) / 2.0) ** 2)) + 5 * np.exp(-(((hour - 19) / 2.5) ** 2))
    solar = 4 * (1 - 0.7 * cloud) * np.clip(np.sin(np.pi * (hour - 6) / 12), 0, None)
    load = 14 + daily * np.where(weekday < 5, 1.0, 0.7) + heating + cooling - solar + rng.normal(0, 0.4, n)
    clock = 2 * np.pi * hour / 24
    x = np.column_stack([np.sin(clock), np.cos(clock), np.sin(2 * clock), np.cos(2 * clock), weekday >= 5, temp, cloud])
    return x.astype(np.float32), load.astype(np.float32)


def scaled_lr(cfg):
    return cfg["base_lr"]


class LoadNet(nn.Module):
    def __init__(self, n_in, width):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(n_in, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU())
        self.head = nn.Linear(width, 1)

    def forward(self, x):
        return self.head(self.body(x)).squeeze(-1)


def main():
    rng = np.random.default_rng(config["seed"])
    torch.manual_seed(config["seed"])
    x, load = simulate(5000, rng)
    n = 4000
    x = (x - x[:n].mean(0)) / x[:n].std(0)
    mu, sd = load[:n].mean(), load[:n].std()
    train = TensorDataset(torch.from_numpy(x[:n]), torch.from_numpy((load[:n] - mu) / sd))
    loader = DataLoader(train, batch_size=config["batch_size"], shuffle=True)
    model = LoadNet(x.shape[1], config["hidden"])
    optimizer = torch.optim.Adam(model.parameters(), lr=scaled_lr(config))
    for epoch in range(config["epochs"]):
        running = 0.0
        for xb, yb in loader:
            optimizer.zero_grad()
            loss = nn.functional.mse_loss(model(xb), yb)
            loss.backward()
            optimizer.step()
            running += loss.item() * len(xb)
        if epoch % 10 == 9:
            print(f"{epoch + 1:3d} train mse {running / n:.4f}")
    model.eval()
    with torch.no_grad():
        pred = model(torch.from_numpy(x[n:])).numpy() * sd + mu
    print(f"test RMSE {math.sqrt(((pred - load[n:]) ** 2).mean()):.3f} MW")


if __name__ == "__main__":
    main()
