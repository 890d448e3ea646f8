"""Displacement of a vibrating rectangular membrane: two superposed modes, sampled at random points."""

import math

import torch
import torch.nn.functional as F

torch.manual_seed(21)

N = 1500
HIDDEN = 40
pts = torch.rand(N, 2)
u = torch.sin(2 * math.pi * pts[:, :1]) * torch.sin(2 * math.pi * pts[:, 1:])
u = u + 0.6 * torch.sin(math.pi * pts[:, :1]) * torch.sin(2 * math.pi * pts[:, 1:])
u = u + 0.02 * torch.randn(N, 1)

pts = 2 * pts - 1
train_x, test_x = pts[:1200], pts[1200:]
train_y, test_y = u[:1200], u[1200:]


class Membrane(torch.nn.Module):
    def __init__(self, width):
        super().__init__()
        self.inner = torch.nn.Linear(2, width)
        self.outer = torch.nn.Linear(width, 1)

    def forward(self, p):
        return self.outer(torch.tanh(self.inner(p)))


net = Membrane(HIDDEN)
opt = torch.optim.Adam(net.parameters(), lr=0.02)
sched = torch.optim.lr_scheduler.CosineAnnealingLR(opt, T_max=1500, eta_min=1e-4)

for it in range(1500):
    opt.zero_grad()
    loss = F.mse_loss(net(train_x), train_y)
    loss.backward()
    opt.step()
    sched.step()
    if it % 300 == 0:
        print(it, round(loss.item(), 5))

with torch.no_grad():
    mse = F.mse_loss(net(test_x), test_y)
    print("test R2:", round(1 - (mse / test_y.var(unbiased=False)).item(), 4))
