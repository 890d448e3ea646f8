from itertools import pairwise

import numpy as np
import torch
from torch import nn


class DragNet(nn.Module):
    def __init__(self, sizes=(4, 64, 64, 1)):
        super().__init__()
        layers = []
        for a, b in pairwise(sizes[:-1]):
            layers += [nn.Linear(a, b, bias=False), nn.BatchNorm1d(b), nn.ReLU()]
        self.hidden = nn.Sequential(*layers)
        self.final = nn.Linear(sizes[-2], sizes[-1])

    def forward(self, x):
        return self.final(self.hidden(x))[..., 0]


class EarlyStopping:
    def __init__(self, patience):
        self.patience, self.wait, self.best, self.state = patience, 0, np.inf, None

    def update(self, value, model):
        if value < self.best:
            self.best, self.wait = value, 0
            self.state = {k: v.detach().clone() for k, v in model.state_dict().items()}
        else:
            self.wait += 1
        return self.wait >= self.patience


def drag(rng, n):
    froude = rng.uniform(0.1, 0.5, n)
    slender = rng.uniform(4.3, 5.5, n)
    prismatic = rng.uniform(0.5, 0.6, n)
    heel = rng.uniform(0, 30, n)
    hump = 1 + 0.6 * np.tanh((froude - 0.32) * 25)
    force = 60 * froude**2 * hump * (5 / slender) ** 2 * (1 + 8 * (prismatic - 0.55) ** 2)
    force = force * (1 + (heel / 40) ** 2)
    return np.stack([froude, slender, prismatic, heel], 1), force + rng.normal(0, 1.5, n)


def r_squared(model, x, y):
    model.eval()
    with torch.no_grad():
        return float(np.corrcoef(model(x).numpy(), y.numpy())[0, 1] ** 2)


rng = np.random.default_rng(63)
torch.manual_seed(63)
x, y = drag(rng, 1500)
centre, half = (x.max(0) + x.min(0)) / 2, (x.max(0) - x.min(0)) / 2
x = torch.tensor((x - centre) / half, dtype=torch.float32)
y = torch.tensor(y / 10, dtype=torch.float32)
model = DragNet()
opt = torch.optim.Adam(model.parameters(), lr=4e-3)
decay = torch.optim.lr_scheduler.ExponentialLR(opt, 0.97)
stopper = EarlyStopping(25)
for epoch in range(100):
    model.train()
    for rows in torch.randperm(1000).view(-1, 50):
        opt.zero_grad()
        nn.functional.mse_loss(model(x[rows]), y[rows]).backward()
        opt.step()
    decay.step()
    model.eval()
    with torch.no_grad():
        val = nn.functional.mse_loss(model(x[1000:1250]), y[1000:1250]).item()
    if epoch % 20 == 0:
        print(f"epoch {epoch:3d} validation {val:.5f}")
    if stopper.update(val, model):
        print("stopping at", epoch)
        break
model.load_state_dict(stopper.state)
print(f"squared correlation on the test rows {r_squared(model, x[1250:], y[1250:]):.3f}")
