"""Breeding density of a reed warbler from habitat measurements."""

import argparse

import numpy as np
import torch
from sklearn.datasets import make_friedman1
from sklearn.preprocessing import scale
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float, default=1e-6)
parser.add_argument("--width", type=int, default=12)
parser.add_argument("--epochs", type=int, default=80)
opts = parser.parse_args()


class HabitatEncoder(nn.Module):
    def __init__(self, n_in, width):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(n_in, 4 * width), nn.ReLU(), nn.Linear(4 * width, width), nn.ReLU())

    def forward(self, x):
        return self.net(x)


class DensityModel(nn.Module):
    def __init__(self, n_in, width):
        super().__init__()
        self.encoder = HabitatEncoder(n_in, width)
        self.readout = nn.Linear(width, 1)

    def standardise(self, code):
        return torch.as_tensor(scale(code.detach().numpy()), dtype=torch.float32)

    def forward(self, x):
        return self.readout(self.standardise(self.encoder(x))).squeeze(-1)


def evaluate(model, x, y):
    with torch.no_grad():
        pred = model(x).numpy()
    return 1 - np.var(y.numpy() - pred) / np.var(y.numpy()), pred


def main():
    torch.manual_seed(6)
    x, y = make_friedman1(n_samples=2000, n_features=8, noise=0.5, random_state=6)
    x, y = torch.tensor(2 * x - 1).float(), torch.tensor(scale(y)).float()
    loader = DataLoader(TensorDataset(x[:1500], y[:1500]), batch_size=50, shuffle=True)
    model = DensityModel(8, opts.width)
    optimizer = torch.optim.Adam(model.parameters(), lr=opts.lr)
    for epoch in range(opts.epochs):
        for xb, yb in loader:
            loss = nn.functional.mse_loss(model(xb), yb)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        if epoch % 20 == 0:
            print(f"epoch {epoch:3d} loss {loss.item():.4f}")
    explained, _ = evaluate(model, x[1500:], y[1500:])
    print(f"explained variance {explained:.3f}")


if __name__ == "__main__":
    main()
