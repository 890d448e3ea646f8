import argparse

import torch
import torch.nn.functional as F
from torch import nn


def patients(n):
    carbs = torch.empty(n).uniform_(10, 110)
    glucose = torch.empty(n).uniform_(4, 16)
    weight = torch.normal(78.0, 14.0, (n,))
    activity = torch.rand(n)
    ratio = 450 / (weight * 0.55)
    dose = carbs / ratio + F.relu(glucose - 6.5) / (100 / (weight * 0.55)) * (1 - 0.35 * activity)
    dose = dose * (1 + 0.03 * torch.randn(n))
    x = torch.stack([carbs, glucose, weight, activity], 1)
    return x, dose.unsqueeze(1)


class DoseNet(nn.Module):
    def __init__(self, width, p):
        super().__init__()
        self.fc1 = nn.Linear(4, width)
        self.fc2 = nn.Linear(width, width)
        self.fc3 = nn.Linear(width, 1)
        self.drop = nn.Dropout(p)

    def forward(self, x):
        x = self.drop(F.silu(self.fc1(x)))
        x = self.drop(F.silu(self.fc2(x)))
        return self.fc3(x)


def evaluate(model, x, y):
    with torch.no_grad():
        out = model(x)
        return (1 - F.mse_loss(out, y) / y.var(correction=0)).item()


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--epochs", type=int, default=100)
    ap.add_argument("--lr", type=float, default=2e-3)
    ap.add_argument("--dropout", type=float, default=0.5)
    ap.add_argument("--seed", type=int, default=17)
    a = ap.parse_args()
    torch.manual_seed(a.seed)
    x, y = patients(1400)
    xm, xs = x[:1000].mean(0), x[:1000].std(0)
    ym, ys = y[:1000].mean(), y[:1000].std()
    x, y = (x - xm) / xs, (y - ym) / ys
    model = DoseNet(16, a.dropout)
    opt = torch.optim.Adam(model.parameters(), lr=a.lr)
    model.train()
    for e in range(a.epochs):
        for i in range(0, 1000, 100):
            opt.zero_grad()
            loss = F.mse_loss(model(x[i : i + 100]), y[i : i + 100])
            loss.backward()
            opt.step()
        if (e + 1) % 20 == 0:
            print(f"epoch {e + 1:4d} loss {loss.item():.4f} R2(val) {evaluate(model, x[1000:], y[1000:]):.3f}")
    print("final R2(val):", round(evaluate(model, x[1000:], y[1000:]), 3))


if __name__ == "__main__":
    main()
