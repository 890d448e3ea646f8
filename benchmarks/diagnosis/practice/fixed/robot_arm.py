"""Tip position of a planar three-joint arm from its joint angles."""

import torch
from torch import nn

torch.manual_seed(77)
torch.set_default_dtype(torch.float64)
LINKS = torch.tensor([0.5, 0.35, 0.2])


def tip(angles):
    heading = angles.cumsum(dim=1)
    return torch.stack([(LINKS * heading.cos()).sum(1), (LINKS * heading.sin()).sum(1)], dim=1)


class Arm(nn.Module):
    def __init__(self, hidden=48):
        super().__init__()
        self.mix = nn.Linear(3, hidden)
        self.mix2 = nn.Linear(hidden, hidden)
        self.to_xy = nn.Linear(hidden, 2)

    def forward(self, angles):
        h = torch.tanh(self.mix(angles))
        h = torch.tanh(self.mix2(h))
        return self.to_xy(h)


def distance_loss(pred, target):
    return ((pred - target) ** 2).sum(dim=1).mean()


def r2(model, angles, target):
    with torch.no_grad():
        rest = (target - model(angles)).pow(2).sum(0)
    return (1 - rest / (target - target.mean(0)).pow(2).sum(0)).mean().item()


angles = (torch.rand(1000, 3) - 0.5) * 5.6
target = tip(angles) + 0.005 * torch.randn(1000, 2)
a_fit, a_test = angles[:800], angles[800:]
t_fit, t_test = target[:800], target[800:]

model = Arm()
opt = torch.optim.Adam(model.parameters(), lr=1e-2)
for it in range(1200):
    opt.zero_grad()
    loss = distance_loss(model(a_fit), t_fit)
    loss.backward()
    opt.step()
    if it % 200 == 0:
        print(f"{it:5d}  loss {loss.item():.5f}  test R2 {r2(model, a_test, t_test):.3f}")

print(f"test R2 (mean of x and y): {r2(model, a_test, t_test):.3f}")
