"""Passengers boarding per quarter of an hour at a bus stop."""

import argparse

import numpy as np
import torch
from sklearn.metrics import mean_absolute_error, r2_score
from torch import nn


class BoardingModel(nn.Module):
    """Expected number of passengers, always positive."""

    def __init__(self, n_in, width):
        super().__init__()
        self.hidden1 = nn.Linear(n_in, width)
        self.hidden2 = nn.Linear(width, width)
        self.rate = nn.Linear(width, 1)

    def forward(self, x):
        h = nn.functional.silu(self.hidden1(x))
        h = nn.functional.silu(self.hidden2(h))
        return nn.functional.softplus(self.rate(h)).squeeze(-1)


def simulate(n, rng):
    hour = rng.uniform(5.0, 24.0, n)
    weekend = rng.integers(0, 2, n)
    rain = rng.exponential(0.5, n)
    peak = 14.0 * np.exp(-((hour - 8.0) ** 2) / 2.0) + 18.0 * np.exp(-((hour - 17.0) ** 2) / 4.0)
    rate = 3.0 + peak * np.where(weekend == 1, 0.3, 1.0) + 2.0 * rain
    angle = 2.0 * np.pi * hour / 24.0
    features = np.column_stack([np.sin(angle), np.cos(angle), np.sin(2 * angle), np.cos(2 * angle), weekend, rain])
    return torch.tensor(features, dtype=torch.float32), torch.tensor(rng.poisson(rate), dtype=torch.float32)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--epochs", type=int, default=60)
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--width", type=int, default=48)
    args = parser.parse_args()

    torch.manual_seed(3)
    rng = np.random.default_rng(3)
    x_train, y_train = simulate(2000, rng)
    x_test, y_test = simulate(600, rng)

    model = BoardingModel(x_train.shape[1], args.width)
    criterion = nn.PoissonNLLLoss(log_input=False)
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3)

    for epoch in range(args.epochs):
        order = torch.randperm(len(x_train))
        running = 0.0
        for chunk in order.split(args.batch):
            optimizer.zero_grad()
            loss = criterion(model(x_train[chunk]), y_train[chunk])
            loss.backward()
            optimizer.step()
            running += loss.item() * len(chunk)
        if epoch % 10 == 9:
            print(f"epoch {epoch + 1}: loss {running / len(x_train):.4f}")

    with torch.no_grad():
        expected = model(x_test).numpy()
    print("mean absolute error", mean_absolute_error(y_test.numpy(), expected))
    print("R2", r2_score(y_test.numpy(), expected))


if __name__ == "__main__":
    main()
