"""Squared-speed drag over rough surfaces: three wind components and a roughness class."""

import itertools

import torch
from torch import nn


def drag_table(n, gen):
    wind = torch.randn(n, 3, generator=gen)
    rough = torch.randint(0, 3, (n, 1), generator=gen).float() - 1
    coef = torch.tensor([0.5, 1.0, 2.0])[(rough[:, 0] + 1).long()]
    force = coef * (wind[:, 0] ** 2 + wind[:, 1] ** 2 + 0.5 * wind[:, 2] ** 2)
    return torch.cat([wind, rough], 1), torch.log1p(force)


def prepare(table):
    return table.clone()


class DragModel(nn.Module):
    def __init__(self, sizes=(4, 64, 64, 1)):
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(a, b) for a, b in itertools.pairwise(sizes))

    def forward(self, x):
        for layer in self.layers[:-1]:
            x = torch.relu(layer(x))
        return self.layers[-1](x).squeeze(1)


def evaluate(model, x, y):
    with torch.no_grad():
        return 1 - ((model(x) - y).square().mean() / y.var()).item()


gen = torch.Generator().manual_seed(9)
torch.manual_seed(9)
x_train, y_train = drag_table(1500, gen)
x_val, y_val = drag_table(400, gen)
x_train, x_val = prepare(x_train), prepare(x_val)

model = DragModel()
opt = torch.optim.Adam(model.parameters(), lr=4e-3)
best, patience = float("inf"), 0
for epoch in range(60):
    for rows in torch.randperm(1500, generator=gen).chunk(15):
        opt.zero_grad()
        loss = nn.functional.mse_loss(model(x_train[rows]), y_train[rows])
        loss.backward()
        opt.step()
    with torch.no_grad():
        val = nn.functional.mse_loss(model(x_val), y_val).item()
    if val < best - 1e-4:
        best, patience = val, 0
    else:
        patience += 1
    if epoch % 10 == 0:
        print(f"{epoch:3d} train {loss.item():.4f} val {val:.4f}")
    if patience == 20:
        print("stopped at", epoch)
        break
print("val R2", round(evaluate(model, x_val, y_val), 4))
