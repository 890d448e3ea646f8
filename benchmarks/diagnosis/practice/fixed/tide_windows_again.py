import argparse
import math

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def tide_series(n, rng):
    hours = np.arange(n)
    level = 1.9 * np.sin(2 * math.pi * hours / 12.42) + 0.7 * np.sin(2 * math.pi * hours / 12.0 + 0.4)
    level += 0.4 * np.sin(2 * math.pi * hours / 25.8)
    return level + rng.normal(0, 0.1, n)


class Forecaster(nn.Module):
    def __init__(self, lags):
        super().__init__()
        self.conv = nn.Conv1d(1, 8, kernel_size=5, padding=2)
        self.head = nn.Sequential(nn.Flatten(), nn.Linear(8 * lags, 32), nn.ReLU(), nn.Linear(32, 1))

    def forward(self, x):
        return self.head(torch.relu(self.conv(x.unsqueeze(1))))


def to_metres(z, mean, std):
    return z * std + mean


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--lags", type=int, default=18)
    parser.add_argument("--ahead", type=int, default=5)
    parser.add_argument("--epochs", type=int, default=60)
    args = parser.parse_args()
    rng = np.random.default_rng(4)
    torch.manual_seed(4)

    series = tide_series(1300, rng)
    mean, std = series[:1000].mean(), series[:1000].std()
    z = (series - mean) / std
    count = len(z) - args.lags - args.ahead
    x = np.array([z[i : i + args.lags] for i in range(count)], dtype=np.float32)
    y = np.array([series[i + args.lags + args.ahead] for i in range(count)], dtype=np.float32)[:, None]
    x_tr, y_tr, x_te, y_te = x[:950], y[:950], x[1000:], y[1000:]

    loader = DataLoader(TensorDataset(torch.from_numpy(x_tr), torch.from_numpy(y_tr)), batch_size=64, shuffle=True)
    model = Forecaster(args.lags)
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-4)
    for epoch in range(args.epochs):
        losses = []
        for xb, yb in loader:
            optimizer.zero_grad()
            level = to_metres(model(xb), mean, std)
            loss = F.mse_loss(level, yb)
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        print(f"epoch {epoch + 1}/{args.epochs}  mse {np.mean(losses):.4f} m2")

    with torch.no_grad():
        pred = to_metres(model(torch.from_numpy(x_te)), mean, std).numpy()
    r2 = 1 - ((pred - y_te) ** 2).sum() / ((y_te - y_te.mean()) ** 2).sum()
    print(f"R2 over the last {len(y_te)} hours: {r2:.3f}")


if __name__ == "__main__":
    main()
