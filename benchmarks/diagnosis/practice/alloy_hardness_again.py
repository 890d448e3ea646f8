"""Hardness of a new alloy family from few samples: features come from a network fitted to simulated strengths."""

import torch
from torch import nn

torch.manual_seed(52)


def composition(n):
    return torch.rand(n, 6) * 2 - 1


def microstructure(c):
    grain = torch.tanh(1.5 * c[:, 0] + c[:, 1] * c[:, 2])
    phase = torch.sin(2 * c[:, 3]) * c[:, 4]
    return grain, phase, c[:, 5] ** 2


def simulated(c):
    grain, phase, carbides = microstructure(c)
    return torch.stack([grain + 0.5 * phase, carbides - 0.7 * grain, phase + 0.3 * carbides, grain * 1.2], dim=1)


def measured(c):
    grain, phase, carbides = microstructure(c)
    return 0.9 * grain - 0.8 * phase + 1.1 * carbides + 0.08 * torch.randn(len(c))


backbone = nn.Sequential(nn.Linear(6, 64), nn.SiLU(), nn.Linear(64, 32), nn.SiLU())
pretrain_head = nn.Linear(32, 4)

source_x = composition(3000)
source_y = simulated(source_x)
opt = torch.optim.Adam([*backbone.parameters(), *pretrain_head.parameters()], lr=3e-3)
for epoch in range(60):
    for idx in torch.randperm(3000).split(150):
        opt.zero_grad()
        loss = nn.functional.mse_loss(pretrain_head(backbone(source_x[idx])), source_y[idx])
        loss.backward()
        opt.step()
    if epoch % 15 == 0:
        print(f"pretraining {epoch:2d}: {loss.item():.5f}")

for p in backbone.parameters():
    p.requires_grad_(False)
backbone.eval()

few_x, test_x = composition(120), composition(400)
few_y, test_y = measured(few_x), measured(test_x)
head = nn.Linear(32, 1)
model = nn.Sequential(backbone, head, nn.Flatten(0))
opt = torch.optim.Adam(head.parameters(), lr=2e-2, weight_decay=1e-5)
for epoch in range(600):
    opt.zero_grad()
    loss = nn.functional.mse_loss(model(few_x), few_y)
    loss.backward()
    opt.step()
    if epoch % 150 == 0:
        print(f"fine-tuning {epoch:3d}: {loss.item():.5f}")

with torch.no_grad():
    r2 = 1 - (test_y - model(test_x)).square().mean() / test_y.var(unbiased=False)
print(f"R2 on 400 further samples: {r2.item():.3f}")
