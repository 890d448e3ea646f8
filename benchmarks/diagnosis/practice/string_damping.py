"""Free vibration of a damped string mode: the network solves u'' + 2 d u' + w^2 u = 0."""

import math

import torch
from torch import nn

torch.manual_seed(120)
D, W = 0.3, 3.0
WD = math.sqrt(W**2 - D**2)


def exact(t):
    return torch.exp(-D * t) * (torch.cos(WD * t) + D / WD * torch.sin(WD * t))


class Field(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(1, 32), nn.Tanh(), nn.Linear(32, 32), nn.Tanh(), nn.Linear(32, 1))

    def forward(self, t):
        return self.net(t)


def derivative(u, t):
    return torch.autograd.grad(u, t, torch.ones_like(u), create_graph=True)[0]


def residual(field, t):
    u = field(t)
    du = derivative(u, t)
    d2u = derivative(du, t)
    return d2u + 2 * D * du + W**2 * u


field = Field()
opt = torch.optim.Adam(field.parameters(), lr=5e-3)
sched = torch.optim.lr_scheduler.ExponentialLR(opt, 0.9992)
inner = torch.linspace(0, 3, 60).unsqueeze(1).requires_grad_()
start = torch.zeros(1, 1, requires_grad=True)
for i in range(2600):
    opt.zero_grad()
    physics = residual(field, inner).pow(2).mean() / W**4
    u0 = field(start)
    v0 = derivative(u0, start)
    loss = physics + (u0 - 1).pow(2).mean() + v0.pow(2).mean() / W**2
    loss.backward()
    opt.step()
    sched.step()
    if i % 400 == 0:
        print(i, f"physics {physics.item():.2e} total {loss.item():.2e}")

t = torch.linspace(0.02, 2.98, 75).unsqueeze(1)
with torch.no_grad():
    err = field(t) - exact(t)
    ref = exact(t)
print("R2 against the exact solution", (1 - err.pow(2).sum() / (ref - ref.mean()).pow(2).sum()).item())
