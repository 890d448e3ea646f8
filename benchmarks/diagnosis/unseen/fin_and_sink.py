import math

import torch
from torch import nn
from torch.optim.lr_scheduler import CosineAnnealingLR

torch.set_default_dtype(torch.float64)


class FinModel(nn.Module):
    def __init__(self, n_in=4, width=8, n_out=2):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(n_in, width), nn.SiLU(), nn.Linear(width, width), nn.SiLU())
        self.head = nn.Linear(width, n_out)
        for p in self.body.parameters():
            p.requires_grad = False

    def forward(self, x):
        return self.head(self.body(x))


def fin_table(n, gen):
    u = torch.rand(n, 4, generator=gen)
    length = 0.02 + 0.08 * u[:, 0]
    thickness = 0.0005 + 0.0025 * u[:, 1]
    h = 10 + 140 * u[:, 2]
    k = torch.exp(math.log(15.0) + math.log(26.0) * u[:, 3])
    m = torch.sqrt(2 * h / (k * thickness))
    efficiency = torch.tanh(m * length) / (m * length)
    heat = efficiency * 2 * h * length * 60.0
    return torch.stack([length, thickness, h, torch.log(k)], 1), torch.stack([efficiency, heat], 1)


def standardise(a, ref):
    return (a - ref.mean(0)) / ref.std(0)


gen = torch.Generator().manual_seed(21)
torch.manual_seed(21)
inputs, targets = fin_table(1200, gen)
train, held = slice(0, 900), slice(900, None)
x, y = standardise(inputs, inputs[train]), standardise(targets, targets[train])

model = FinModel()
optimizer = torch.optim.Adam((p for p in model.parameters() if p.requires_grad), lr=0.01)
scheduler = CosineAnnealingLR(optimizer, T_max=120)
for epoch in range(120):
    for rows in torch.randperm(900, generator=gen).split(90):
        optimizer.zero_grad()
        loss = nn.functional.mse_loss(model(x[train][rows]), y[train][rows])
        loss.backward()
        optimizer.step()
    scheduler.step()
    if epoch % 20 == 0:
        print(epoch, f"{loss.item():.5f}", f"rate {scheduler.get_last_lr()[0]:.4f}")

with torch.no_grad():
    err = (model(x[held]) - y[held]).pow(2).sum(0)
r2 = 1 - err / (y[held] - y[held].mean(0)).pow(2).sum(0)
print("R2 efficiency {:.3f}, heat flow {:.3f}, mean {:.3f}".format(*r2.tolist(), r2.mean().item()))
