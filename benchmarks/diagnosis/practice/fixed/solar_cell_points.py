"""Open-circuit voltage, short-circuit current and maximum power of a solar cell."""

import argparse

import numpy as np
import torch
from torch import nn


def cells(n, seed):
    rng = np.random.default_rng(seed)
    sun = rng.uniform(0.1, 1.1, n)
    temp = rng.uniform(270.0, 340.0, n)
    shunt = rng.uniform(0.0, 0.25, n)
    i_sc = 8.9 * sun * (1 + 5e-4 * (temp - 298.0)) * (1 - 0.3 * shunt)
    thermal = 8.617e-5 * temp
    dark = 1.2e-9 * (temp / 298.0) ** 3 * np.exp(1.12 / 8.617e-5 * (1 / 298.0 - 1 / temp))
    v_oc = thermal * np.log(i_sc / dark + 1.0)
    v = v_oc / thermal
    fill = (v - np.log(v + 0.72)) / (v + 1.0) * (1 - shunt)
    x = np.column_stack([(sun - 0.6) / 0.3, (temp - 305.0) / 20.0, (shunt - 0.125) / 0.07])
    return torch.tensor(x, dtype=torch.float32), torch.tensor(
        np.column_stack([v_oc, i_sc, fill * v_oc * i_sc]), dtype=torch.float32
    )


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--hidden", type=int, default=40)
    parser.add_argument("--epochs", type=int, default=80)
    parser.add_argument("--lr", type=float, default=4e-3)
    parser.add_argument("--seed", type=int, default=6)
    args = parser.parse_args()

    torch.manual_seed(args.seed)
    x, y = cells(1000, args.seed)
    x_test, y_test = cells(300, args.seed + 1)
    mu, sd = y.mean(0), y.std(0)
    z = (y - mu) / sd

    model = nn.Sequential(nn.Linear(3, args.hidden), nn.SiLU(), nn.Linear(args.hidden, 3))
    criterion = nn.SmoothL1Loss()
    optimizer = torch.optim.AdamW(model.parameters(), lr=args.lr)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, args.epochs)

    for epoch in range(args.epochs):
        total = 0.0
        for rows in torch.randperm(len(x)).split(50):
            optimizer.zero_grad()
            loss = criterion(model(x[rows]), z[rows])
            loss.backward()
            optimizer.step()
            total += loss.item()
        scheduler.step()
        if epoch % 20 == 0:
            print(f"epoch {epoch:3d}: {total / 20:.5f}")

    with torch.no_grad():
        guess = model(x_test) * sd + mu
    score = 1 - ((guess - y_test) ** 2).sum(0) / ((y_test - y_test.mean(0)) ** 2).sum(0)
    for name, value in zip(["V_oc", "I_sc", "P_max"], score.tolist(), strict=True):
        print(f"{name}: R2 = {value:.4f}")


if __name__ == "__main__":
    main()
