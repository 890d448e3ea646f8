import argparse

import numpy as np
import torch
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
from torch import nn


def heat_duty(rng, n):
    feed = rng.uniform(0.5, 3.0, n)  # kg/s
    inlet = rng.uniform(290, 330, n)  # K
    conversion = rng.uniform(0.2, 0.95, n)
    jacket = rng.uniform(280, 300, n)  # K
    cp, enthalpy, ua = 3200.0, 4.1e5, 1800.0
    duty = feed * conversion * enthalpy - ua * (inlet - jacket) * feed**0.6 + feed * cp * (inlet - 310)
    return np.column_stack([feed, inlet, conversion, jacket]), duty + rng.normal(0, 6e3, n)


def parse():
    p = argparse.ArgumentParser()
    p.add_argument("--epochs", type=int, default=120)
    p.add_argument("--lr", type=float, default=1e-3)
    p.add_argument("--hidden", type=int, default=64)
    p.add_argument("--batch", type=int, default=64)
    return p.parse_args()


def main():
    args = parse()
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    rows, q = heat_duty(rng, 1000)
    rows_tr, rows_te, q_tr, q_te = train_test_split(rows, q, test_size=0.2, random_state=0)

    scaler = StandardScaler().fit(rows_tr)
    rows_tr = torch.from_numpy(scaler.transform(rows_tr)).float()
    rows_te = torch.from_numpy(scaler.transform(rows_te)).float()
    q_tr = torch.from_numpy(q_tr).float().view(-1, 1)

    model = nn.Sequential(
        nn.Linear(4, args.hidden), nn.ReLU(), nn.Linear(args.hidden, args.hidden), nn.ReLU(), nn.Linear(args.hidden, 1)
    )
    opt = torch.optim.Adam(model.parameters(), lr=args.lr)
    for epoch in range(args.epochs):
        perm = torch.randperm(len(rows_tr))
        total = 0.0
        for start in range(0, len(rows_tr), args.batch):
            idx = perm[start : start + args.batch]
            loss = nn.functional.mse_loss(model(rows_tr[idx]), q_tr[idx])
            opt.zero_grad()
            loss.backward()
            opt.step()
            total += loss.item() * len(idx)
        if (epoch + 1) % 20 == 0:
            print(f"[{epoch + 1}/{args.epochs}] loss = {total / len(rows_tr):.4g}")

    with torch.no_grad():
        guess = model(rows_te).squeeze(1).numpy()
    r2 = 1 - np.sum((q_te - guess) ** 2) / np.sum((q_te - q_te.mean()) ** 2)
    print(f"R2 on the test rows: {r2:.3f}")


if __name__ == "__main__":
    main()
