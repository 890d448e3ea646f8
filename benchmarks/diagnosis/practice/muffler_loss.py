"""Transmission loss of an expansion-chamber muffler."""

import math
from itertools import pairwise

import torch
from torch import nn


def transmission_loss(area_ratio, length, freq, temp):
    c = 331.3 * torch.sqrt(1 + temp / 273.15)
    k = 2 * math.pi * freq / c
    m = area_ratio
    return 10 * torch.log10(1 + 0.25 * (m - 1 / m) ** 2 * torch.sin(k * length) ** 2)


class Regressor(nn.Module):
    def __init__(self, n_inputs, shrink=2, depth=2):
        super().__init__()
        width = n_inputs // shrink
        dims = [n_inputs] + [width] * depth
        self.hidden = nn.ModuleList(nn.Linear(a, b) for a, b in pairwise(dims))
        self.out = nn.Linear(width, 1)

    def forward(self, x):
        for layer in self.hidden:
            x = torch.tanh(layer(x))
        return self.out(x)


def main():
    torch.manual_seed(14)
    n = 3000
    ratio = torch.empty(n).uniform_(2, 16)
    length = torch.empty(n).uniform_(0.1, 0.5)
    freq = torch.empty(n).uniform_(50, 700)
    temp = torch.empty(n).uniform_(20, 400)
    tl = transmission_loss(ratio, length, freq, temp) + 0.2 * torch.randn(n)
    x = torch.stack([ratio, length, freq, temp], 1)
    x = (x - x[:2400].mean(0)) / x[:2400].std(0)
    y = ((tl - tl[:2400].mean()) / tl[:2400].std()).unsqueeze(1)
    model = Regressor(x.shape[1])
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    plateau = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, patience=8, factor=0.5)
    for epoch in range(60):
        for xb, yb in zip(x[:2400].split(60), y[:2400].split(60), strict=True):
            loss = nn.functional.mse_loss(model(xb), yb)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        with torch.no_grad():
            valid = nn.functional.mse_loss(model(x[2400:]), y[2400:]).item()
        plateau.step(valid)
        if epoch % 20 == 19:
            print(f"epoch {epoch + 1}: valid {valid:.4f}")
    print(f"RMSE {math.sqrt(valid) * tl[:2400].std().item():.2f} dB")


if __name__ == "__main__":
    main()
