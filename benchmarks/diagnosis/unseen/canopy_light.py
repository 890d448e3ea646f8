"""Net photosynthesis of a leaf from light, CO2 and leaf temperature."""

import argparse

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def leaf_assimilation(par, co2, temp):
    vcmax = 60.0 * np.exp(-(((temp - 29.0) / 11.0) ** 2))
    light = 0.06 * par * 35.0 / (0.06 * par + 35.0)
    carbon = vcmax * (co2 - 42.0) / (co2 + 540.0)
    return np.minimum(light, carbon) - 1.1 * 2.0 ** ((temp - 25.0) / 10.0)


def make_sets(rng, count):
    par = rng.uniform(0.0, 1800.0, count)
    co2 = rng.uniform(150.0, 900.0, count)
    temp = rng.uniform(10.0, 40.0, count)
    gas = leaf_assimilation(par, co2, temp) + rng.normal(0.0, 0.5, count)
    x = np.column_stack([par / 900.0 - 1.0, (co2 - 525.0) / 220.0, (temp - 25.0) / 9.0])
    return torch.tensor(x, dtype=torch.float32), torch.tensor((gas - 9.0) / 8.0, dtype=torch.float32).unsqueeze(1)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--epochs", type=int, default=110)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--accumulate", type=int, default=16)
    parser.add_argument("--lr", type=float, default=5e-3)
    args = parser.parse_args()

    torch.manual_seed(4)
    rng = np.random.default_rng(4)
    train_x, train_y = make_sets(rng, 512)
    test_x, test_y = make_sets(rng, 300)
    loader = DataLoader(TensorDataset(train_x, train_y), batch_size=args.batch, shuffle=True)

    net = nn.Sequential(nn.Linear(3, 48), nn.SiLU(), nn.Linear(48, 48), nn.SiLU(), nn.Linear(48, 1))
    optimizer = torch.optim.AdamW(net.parameters(), lr=args.lr, weight_decay=1e-4)
    criterion = nn.SmoothL1Loss()

    for epoch in range(args.epochs):
        optimizer.zero_grad()
        running = 0.0
        for i, (xb, yb) in enumerate(loader):
            loss = criterion(net(xb), yb)
            (loss / args.accumulate).backward()
            running += loss.item()
            if (i + 1) % args.accumulate == 0:
                optimizer.step()
                optimizer.zero_grad()
        if epoch % 25 == 0:
            print(f"epoch {epoch:3d}  train {running / len(loader):.4f}")

    with torch.no_grad():
        left = ((net(test_x) - test_y) ** 2).sum()
        total = ((test_y - test_y.mean()) ** 2).sum()
    print(f"test R2 {1 - (left / total).item():.4f}")


if __name__ == "__main__":
    main()
