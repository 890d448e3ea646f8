"""Compressive strength of concrete from its mix, small MLP."""

import argparse

import numpy as np
import torch
from sklearn.metrics import r2_score
from sklearn.preprocessing import StandardScaler
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class StrengthNet(nn.Module):
    def __init__(self, n_in: int, width: int, p: float):
        super().__init__()
        self.body = nn.Sequential(
            nn.Linear(n_in, width),
            nn.ReLU(),
            nn.Dropout(p),
            nn.Linear(width, width),
            nn.ReLU(),
            nn.Dropout(p),
        )
        self.out = nn.Linear(width, 1)

    def forward(self, x):
        return self.out(self.body(x)).squeeze(-1)


def make_table(n: int, seed: int):
    g = np.random.default_rng(seed)
    cement = g.uniform(150, 500, n)
    water = g.uniform(130, 230, n)
    ash = g.uniform(0, 180, n)
    age = g.choice([3, 7, 14, 28, 56, 90], n)
    wc = water / (cement + 0.4 * ash)
    strength = 110 / (8.0**wc) * (0.35 + 0.22 * np.log(age)) + g.normal(0, 1.5, n)
    return np.column_stack([cement, water, ash, age]), strength


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--epochs", type=int, default=60)
    ap.add_argument("--width", type=int, default=32)
    ap.add_argument("--dropout", type=float, default=0.5)
    ap.add_argument("--lr", type=float, default=2e-3)
    args = ap.parse_args()

    torch.manual_seed(3)
    X, y = make_table(1200, 3)
    Xv, yv = make_table(400, 4)
    sx = StandardScaler().fit(X)
    mean, std = y.mean(), y.std()
    ds = TensorDataset(torch.tensor(sx.transform(X)).float(), torch.tensor((y - mean) / std).float())
    dl = DataLoader(ds, batch_size=64, shuffle=True)
    model = StrengthNet(X.shape[1], args.width, args.dropout)
    opt = torch.optim.Adam(model.parameters(), lr=args.lr)

    model.train()
    for epoch in range(args.epochs):
        total = 0.0
        for xb, yb in dl:
            opt.zero_grad()
            loss = nn.functional.mse_loss(model(xb), yb)
            loss.backward()
            opt.step()
            total += loss.item() * len(xb)
        if epoch % 15 == 0:
            print(f"epoch {epoch:3d}  mse {total / len(ds):.4f}")

    model.eval()
    with torch.no_grad():
        pred = model(torch.tensor(sx.transform(Xv)).float()).numpy() * std + mean
    print(f"rmse {np.sqrt(np.mean((pred - yv) ** 2)):.3f} MPa")
    print(f"R2   {r2_score(yv, pred):.4f}")


if __name__ == "__main__":
    main()
