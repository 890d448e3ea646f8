import argparse

import numpy as np
import torch
from torch import nn

# One-hour-ahead sea level from the last twelve hourly readings of a gauge.


def sea_level(hours, seed):
    rng = np.random.default_rng(seed)
    t = np.arange(hours)
    tide = (
        1.1 * np.cos(2 * np.pi * t / 12.42) + 0.4 * np.cos(2 * np.pi * t / 12.0) + 0.3 * np.cos(2 * np.pi * t / 25.82)
    )
    surge = np.zeros(hours)
    for i in range(1, hours):
        surge[i] = 0.95 * surge[i - 1] + 0.06 * rng.standard_normal()
    return tide + surge + 0.15 * tide**2


def windows(series, width):
    x = np.lib.stride_tricks.sliding_window_view(series, width)[:-1]
    return torch.tensor(x.copy(), dtype=torch.float32), torch.tensor(series[width:], dtype=torch.float32)


class GaugeModel(nn.Module):
    def __init__(self, width, hidden):
        super().__init__()
        self.inner = nn.Linear(width, hidden)
        self.outer = nn.Linear(hidden, 1)

    def forward(self, x):
        return self.outer(torch.relu(self.inner(x))).squeeze(-1)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--hours", type=int, default=3000)
    parser.add_argument("--width", type=int, default=12)
    parser.add_argument("--lr", type=float, default=2e-4)
    parser.add_argument("--accumulate", type=int, default=4)
    args = parser.parse_args()

    torch.manual_seed(40)
    x, y = windows(sea_level(args.hours, seed=40), args.width)
    cut = int(0.8 * len(x))
    model = GaugeModel(args.width, 64)
    criterion = nn.MSELoss(reduction="sum")
    optimizer = torch.optim.SGD(model.parameters(), lr=args.lr, momentum=0.9)

    for epoch in range(40):
        chunks = torch.randperm(cut).split(16)
        total = 0.0
        optimizer.zero_grad()
        for i, rows in enumerate(chunks, start=1):
            loss = criterion(model(x[rows]), y[rows])
            loss.backward()
            total += loss.item()
            if i % args.accumulate == 0 or i == len(chunks):
                optimizer.step()
                optimizer.zero_grad()
        if epoch % 8 == 7:
            print(f"epoch {epoch + 1}: squared error per row {total / cut:.4f}")

    with torch.no_grad():
        error = (model(x[cut:]) - y[cut:]).square().mean()
    persistence = (x[cut:, -1] - y[cut:]).square().mean()
    print(f"persistence R2 {1 - (persistence / y[cut:].var(unbiased=False)).item():.3f}")
    print(f"model R2       {1 - (error / y[cut:].var(unbiased=False)).item():.3f}")


if __name__ == "__main__":
    main()
