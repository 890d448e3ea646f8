"""Initial rate of an enzyme with competitive inhibition and a pH optimum."""

import argparse

import numpy as np
import torch
from sklearn.metrics import r2_score
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
from torch import nn


def simulate(n, rng):
    substrate = rng.uniform(0.05, 8.0, n)  # mM
    inhibitor = rng.uniform(0.0, 4.0, n)  # mM
    ph = rng.uniform(5.0, 9.0, n)
    enzyme = rng.uniform(0.5, 2.0, n)  # uM
    activity = np.exp(-(((ph - 7.2) / 0.9) ** 2) / 2)
    rate = 12.0 * enzyme * activity * substrate / (1.4 * (1 + inhibitor / 0.8) + substrate)
    rate += rng.normal(0, 0.15, n)
    return np.column_stack([substrate, inhibitor, ph, enzyme]), rate


def build(width):
    return nn.Sequential(
        nn.Linear(4, width),
        nn.ReLU(),
        nn.Linear(width, width),
        nn.ReLU(),
        nn.Linear(width, 1),
        nn.Sigmoid(),
    )


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--epochs", type=int, default=80)
    parser.add_argument("--width", type=int, default=64)
    parser.add_argument("--lr", type=float, default=2e-3)
    parser.add_argument("--seed", type=int, default=8)
    args = parser.parse_args()

    torch.manual_seed(args.seed)
    x, y = simulate(1600, np.random.default_rng(args.seed))
    x_train, x_test, y_train, y_test = train_test_split(x, y[:, None], test_size=0.25, random_state=args.seed)
    sx, sy = StandardScaler().fit(x_train), StandardScaler().fit(y_train)
    xt = torch.tensor(sx.transform(x_train), dtype=torch.float32)
    yt = torch.tensor(sy.transform(y_train), dtype=torch.float32)

    model = build(args.width)
    criterion = nn.MSELoss()
    optimizer = torch.optim.AdamW(model.parameters(), lr=args.lr, weight_decay=1e-4)
    for epoch in range(args.epochs):
        order = torch.randperm(len(xt))
        running = 0.0
        for idx in order.split(64):
            optimizer.zero_grad(set_to_none=True)
            loss = criterion(model(xt[idx]), yt[idx])
            loss.backward()
            optimizer.step()
            running += loss.item() * len(idx)
        if (epoch + 1) % 20 == 0:
            print(f"[{epoch + 1}/{args.epochs}] mse={running / len(xt):.4f}")

    with torch.no_grad():
        pred = model(torch.tensor(sx.transform(x_test), dtype=torch.float32)).numpy()
    print(f"R2 = {r2_score(y_test, sy.inverse_transform(pred)):.3f}")


if __name__ == "__main__":
    main()
