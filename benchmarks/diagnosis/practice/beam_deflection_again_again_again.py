import argparse
import math

import torch
import torch.nn.functional as F
from torch import nn


def make_beams(n, generator):
    """Tip deflection (mm) of a cantilever with an end load and a distributed load."""
    u = torch.rand(n, 5, generator=generator)
    length = 0.5 + 2.0 * u[:, 0]
    width = 0.04 + 0.06 * u[:, 1]
    height = 0.06 + 0.09 * u[:, 2]
    load = 200.0 + 1800.0 * u[:, 3]
    line_load = 100.0 + 900.0 * u[:, 4]
    stiffness = 70e9 * width * height**3 / 12.0
    tip = load * length**3 / (3.0 * stiffness) + line_load * length**4 / (8.0 * stiffness)
    features = torch.stack([length, width, height, load, line_load], dim=1)
    return features, (1000.0 * tip).log()[:, None]


def r_squared(model, x, y):
    with torch.no_grad():
        residual = ((model(x) - y) ** 2).sum()
    return 1.0 - (residual / ((y - y.mean()) ** 2).sum()).item()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--epochs", type=int, default=80)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--lr", type=float, default=2e-6)
    parser.add_argument("--hidden", type=int, default=40)
    parser.add_argument("--seed", type=int, default=3)
    args = parser.parse_args()

    generator = torch.Generator().manual_seed(args.seed)
    torch.manual_seed(args.seed)
    x, y = make_beams(2000, generator)
    x_train, y_train, x_test, y_test = x[:1600], y[:1600], x[1600:], y[1600:]
    mean, std = x_train.mean(dim=0), x_train.std(dim=0)
    x_train, x_test = (x_train - mean) / std, (x_test - mean) / std
    y_mean, y_std = y_train.mean(), y_train.std()
    y_train, y_test = (y_train - y_mean) / y_std, (y_test - y_mean) / y_std

    model = nn.Sequential(
        nn.Linear(5, args.hidden), nn.Tanh(), nn.Linear(args.hidden, args.hidden), nn.Tanh(), nn.Linear(args.hidden, 1)
    )
    optimizer = torch.optim.SGD(model.parameters(), lr=args.lr, momentum=0.9)
    steps = math.ceil(len(x_train) / args.batch)
    for epoch in range(args.epochs):
        order = torch.randperm(len(x_train), generator=generator)
        running = 0.0
        for rows in order.split(args.batch):
            loss = F.mse_loss(model(x_train[rows]), y_train[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            running += loss.item()
        if (epoch + 1) % 16 == 0:
            print(f"{epoch + 1:4d}  train {running / steps:.5f}  test R2 {r_squared(model, x_test, y_test):.4f}")
    print("final R2:", round(r_squared(model, x_test, y_test), 4))


if __name__ == "__main__":
    main()
