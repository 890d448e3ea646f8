import torch
from torch import nn

torch.manual_seed(14)
LINKS = torch.tensor([1.0, 0.7, 0.4])


def arm(angles, offset=0.0):
    total = torch.cumsum(angles, dim=1) + offset
    return torch.stack([(LINKS * total.cos()).sum(1), (LINKS * total.sin()).sum(1)], dim=1)


def batches(n, size):
    return torch.randperm(n).split(size)


def fit(module, params, x, y, epochs, lr, label):
    opt = torch.optim.Adam(params, lr=lr)
    sched = torch.optim.lr_scheduler.OneCycleLR(opt, max_lr=lr, total_steps=epochs * len(batches(len(x), 100)))
    for epoch in range(epochs):
        for rows in batches(len(x), 100):
            opt.zero_grad()
            loss = nn.functional.mse_loss(module(x[rows]), y[rows])
            loss.backward()
            opt.step()
            sched.step()
        if epoch % 20 == 0:
            print(f"{label} {epoch:3d} {loss.item():.5f}")


def r2(module, x, y):
    with torch.no_grad():
        resid = ((module(x) - y) ** 2).sum(0)
    return (1 - resid / ((y - y.mean(0)) ** 2).sum(0)).mean().item()


trunk = nn.Sequential(nn.Linear(3, 80), nn.ReLU(), nn.Linear(80, 80), nn.ReLU())
sim_head = nn.Linear(80, 2)
sim_x = (torch.rand(2000, 3) - 0.5) * 4
simulator = nn.Sequential(trunk, sim_head)
fit(simulator, simulator.parameters(), sim_x, arm(sim_x), 80, 8e-3, "simulation")

for p in trunk.parameters():
    p.requires_grad_(False)

real_x = (torch.rand(500, 3) - 0.5) * 4
real_y = 1.08 * arm(real_x, offset=0.35) + torch.tensor([0.2, -0.1]) + 0.05 * torch.randn(500, 2)
real_head = nn.Linear(80, 2)
real = nn.Sequential(trunk, real_head)
fit(real, real_head.parameters(), real_x[:300], real_y[:300], 120, 2e-2, "real arm")
print(f"R2 on unseen poses {r2(real, real_x[300:], real_y[300:]):.3f}")
