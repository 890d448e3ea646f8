"""Photometric redshifts from five broad-band magnitudes."""

import argparse

import numpy as np
import torch
from torch import nn


def catalogue(n, rng):
    z = rng.uniform(0.02, 1.2, n)
    kind = rng.uniform(0, 1, n)
    centres = np.array([0.36, 0.47, 0.62, 0.75, 0.89])
    mags = []
    for c in centres:
        rest = c / (1 + z)
        step = 1 / (1 + np.exp(-(rest - 0.40) / 0.02))
        bump = 0.4 * kind * np.exp(-(((rest - 0.50) / 0.03) ** 2))
        flux = (0.15 + 0.4 * (1 - kind)) + step * (0.5 + 0.5 * kind) + bump
        mags.append(-2.5 * np.log10(flux))
    mags = np.column_stack(mags) + rng.uniform(15, 20, n)[:, None]
    return mags + rng.normal(0, 0.02, mags.shape), z


class RedshiftNet(nn.Module):
    def __init__(self, n_in, width):
        super().__init__()
        self.trunk = nn.Sequential(nn.Linear(n_in, width), nn.Tanh(), nn.Linear(width, width), nn.Tanh())
        self.head = nn.Linear(width, 1)

    def forward(self, x):
        return self.head(self.trunk(x)).squeeze(-1)


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--epochs", type=int, default=120)
    ap.add_argument("--head-epochs", type=int, default=5)
    ap.add_argument("--width", type=int, default=5)
    args = ap.parse_args()

    torch.manual_seed(3)
    mags, z = catalogue(1600, np.random.default_rng(3))
    colours = np.column_stack([mags[:, :-1] - mags[:, 1:], mags[:, 2]])
    colours = (colours - colours.mean(0)) / colours.std(0)
    x = torch.tensor(colours, dtype=torch.float32)
    y = torch.tensor((z - z.mean()) / z.std(), dtype=torch.float32)

    net = RedshiftNet(x.shape[1], args.width)
    opt = torch.optim.Adam(net.parameters(), lr=5e-3)
    for p in net.trunk.parameters():
        p.requires_grad = False
    for epoch in range(args.epochs):
        if epoch == args.head_epochs:
            net.trunk.requires_grad = True
        perm = torch.randperm(1200)
        for i in range(0, 1200, 50):
            b = perm[i : i + 50]
            loss = nn.functional.mse_loss(net(x[b]), y[b])
            opt.zero_grad()
            loss.backward()
            opt.step()
        if epoch % 20 == 0:
            print(f"epoch {epoch} loss {loss.item():.4f}")
    with torch.no_grad():
        err = net(x[1200:]) - y[1200:]
    print("R2", 1 - (err.pow(2).mean() / y[1200:].var(unbiased=False)).item())


if __name__ == "__main__":
    main()
