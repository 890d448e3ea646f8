import argparse

import numpy as np
import torch
from torch import nn


class Settling:
    def __init__(self, n, seed):
        rng = np.random.default_rng(seed)
        self.size = rng.uniform(0.2, 1.4, n)
        self.fill = rng.uniform(0.0, 1.5, n)
        self.angle = rng.uniform(-1.0, 1.0, n)
        flow = np.sqrt(self.size) * np.exp(-self.fill) + 0.5 * self.angle**2 * self.size
        self.flow = flow + rng.normal(0, 0.05, n)

    def tensors(self):
        x = torch.from_numpy(np.c_[self.size, self.fill, self.angle]).float()
        return x, torch.from_numpy(self.flow).float()


def train(model, x, y, args):
    sgd = torch.optim.SGD(model.parameters(), lr=args.lr, momentum=0.9, nesterov=True)
    for epoch in range(args.epochs):
        total = 0.0
        for xb, yb in zip(x.split(args.batch), y.split(args.batch), strict=True):
            pred = model(xb).squeeze(1)
            loss = torch.sum((pred - yb) ** 2)
            sgd.zero_grad()
            loss.backward()
            sgd.step()
            total += loss.item()
        if epoch % 25 == 0:
            print(f"{epoch:>4} sum of squares {total:.3f}")


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--lr", type=float, default=4e-4)
    ap.add_argument("--batch", type=int, default=50)
    ap.add_argument("--epochs", type=int, default=160)
    args = ap.parse_args()
    torch.manual_seed(6)
    model = nn.Sequential(nn.Linear(3, 40), nn.ReLU(), nn.Linear(40, 40), nn.ReLU(), nn.Linear(40, 1))
    train(model, *Settling(900, 1).tensors(), args)
    x, y = Settling(300, 2).tensors()
    with torch.no_grad():
        resid = y - model(x).squeeze(1)
    print("R2:", (1 - resid.pow(2).mean() / y.var(unbiased=False)).item())


if __name__ == "__main__":
    main()
