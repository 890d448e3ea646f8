"""Friction factor of rough pipes (Haaland) from Reynolds number and relative roughness."""

import argparse

import numpy as np
import torch
from sklearn.metrics import r2_score
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def make_data(n, rng):
    log_re = rng.uniform(3.7, 7.0, n)
    log_rough = rng.uniform(-5.0, -1.5, n)
    re, rough = 10**log_re, 10**log_rough
    inv_sqrt_f = -1.8 * np.log10((rough / 3.7) ** 1.11 + 6.9 / re)
    f = 1 / inv_sqrt_f**2
    return np.column_stack([log_re, log_rough]), f


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--epochs", type=int, default=40)
    parser.add_argument("--lr", type=float, default=3e-3)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()

    torch.manual_seed(args.seed)
    rng = np.random.default_rng(args.seed)
    x, f = make_data(1500, rng)
    x = (x - x.mean(0)) / x.std(0)
    y = (f - f.mean()) / f.std()
    x_train, y_train = x[:1200], y[:1200]
    x_test, y_test = x[1200:], y[1200:]

    train_set = TensorDataset(
        torch.tensor(x_train, dtype=torch.float32),
        torch.tensor(y_train, dtype=torch.float32).unsqueeze(1),
    )
    loader = DataLoader(train_set, batch_size=args.batch_size, shuffle=True)

    model = nn.Sequential(nn.Linear(2, 32), nn.ReLU(), nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 1))
    criterion = nn.MSELoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=args.lr)

    for epoch in range(args.epochs):
        total = 0.0
        for xb, yb in loader:
            optimizer.zero_grad()
            loss = criterion(model(xb), yb)
            loss.backward()
            optimizer.step()
            total += loss.item() * len(xb)
        if epoch % 10 == 9:
            print(f"epoch {epoch + 1:3d}  loss {total / len(train_set):.4f}")

    model.eval()
    with torch.no_grad():
        pred = model(torch.tensor(x_test, dtype=torch.float32)).numpy().ravel()
    print(f"test R2 {r2_score(y_test, pred):.3f}")


if __name__ == "__main__":
    main()
