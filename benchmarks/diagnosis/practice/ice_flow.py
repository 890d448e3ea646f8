"""Glacier surface speed: a network fitted to a wide survey, its body then reused for a second glacier."""

import torch
from torch import nn


def features(n, gen):
    return torch.rand(n, 3, generator=gen) * 2 - 1


def speed(x, slide):
    deform = (1 + 0.5 * x[:, 0]) ** 3 * (1 + 0.4 * x[:, 1])
    return (deform * (1 + slide) + slide * x[:, 2]).unsqueeze(1)


def fit(net, params, x, y, steps, lr):
    opt = torch.optim.Adam(params, lr=lr)
    sched = torch.optim.lr_scheduler.LinearLR(opt, 1.0, 0.05, total_iters=steps)
    for step in range(steps):
        loss = nn.functional.mse_loss(net(x), y)
        opt.zero_grad()
        loss.backward()
        opt.step()
        sched.step()
        if step % (steps // 4) == 0:
            print(f"  step {step} loss {loss.item():.5f}")


gen = torch.Generator().manual_seed(17)
torch.manual_seed(17)
body = nn.Sequential(nn.Linear(3, 48), nn.Tanh(), nn.Linear(48, 48), nn.Tanh())
first, second = nn.Linear(48, 1), nn.Linear(48, 1)

x_wide = features(1500, gen)
print("survey")
fit(nn.Sequential(body, first), [*body.parameters(), *first.parameters()], x_wide, speed(x_wide, 0.3), 600, 5e-3)

for p in body.parameters():
    p.requires_grad_(False)
x_small = features(300, gen)
print("second glacier")
transfer = nn.Sequential(body, second)
fit(transfer, second.parameters(), x_small, speed(x_small, 0.8), 800, 2e-2)

x_check = features(400, gen)
y_check = speed(x_check, 0.8)
with torch.no_grad():
    print("R2", 1 - ((transfer(x_check) - y_check).var() / y_check.var()).item())
