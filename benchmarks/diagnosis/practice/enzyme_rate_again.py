import argparse
from itertools import pairwise

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset


class Kinetics(Dataset):
    """Rates of an inhibited enzyme, pH dependent."""

    def __init__(self, n, seed):
        rng = np.random.default_rng(seed)
        substrate = rng.uniform(0.05, 10.0, n)  # mM
        inhibitor = rng.uniform(0.0, 5.0, n)  # mM
        ph = rng.uniform(5.0, 9.0, n)
        activity = 1 / (1 + 10 ** (6.0 - ph) + 10 ** (ph - 8.2))
        v = 12.0 * activity * substrate / (1.5 * (1 + inhibitor / 0.8) + substrate)
        v = v * (1 + rng.normal(0, 0.03, n))
        x = np.column_stack([substrate, inhibitor, ph])
        x = (x - [5.0, 2.5, 7.0]) / [2.9, 1.44, 1.15]
        self.x = torch.tensor(x, dtype=torch.float32)
        self.y = torch.tensor((v - 4.0) / 2.5, dtype=torch.float32)[:, None]

    def __len__(self):
        return len(self.x)

    def __getitem__(self, i):
        return self.x[i], self.y[i]


class RateNet(nn.Module):
    def __init__(self, hidden=32, depth=2):
        super().__init__()
        sizes = [3] + [hidden] * depth
        self.hidden = nn.ModuleList(nn.Linear(a, b) for a, b in pairwise(sizes))
        self.final = nn.Linear(hidden, 1)

    def forward(self, x):
        for layer in self.hidden:
            x = torch.tanh(layer(x))
        return self.final(x)


def evaluate(model, data):
    with torch.no_grad():
        err = model(data.x) - data.y
    return (1 - err.square().sum() / (data.y - data.y.mean()).square().sum()).item()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--lr", type=float, default=1e-3)
    args = parser.parse_args()

    torch.manual_seed(1)
    train, test = Kinetics(800, seed=1), Kinetics(300, seed=2)
    loader = DataLoader(train, batch_size=50, shuffle=True)
    model = RateNet()
    optimizer = torch.optim.Adam(model.parameters(), lr=args.lr)
    for epoch in range(args.epochs):
        for xb, yb in loader:
            loss = nn.functional.mse_loss(model(xb), yb)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        if epoch % max(1, args.epochs // 4) == 0:
            print(f"epoch {epoch + 1}: loss {loss.item():.4f}, test R2 {evaluate(model, test):.3f}")
    print(f"done after {args.epochs} epochs, test R2 {evaluate(model, test):.3f}")


if __name__ == "__main__":
    main()
