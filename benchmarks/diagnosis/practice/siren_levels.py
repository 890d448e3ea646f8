"""Sound level of a siren against distance, wind and height, with a few faulty loggers."""

import numpy as np
import torch
from torch import nn

rng = np.random.default_rng(70)
torch.manual_seed(70)
n = 1600
dist = rng.uniform(20, 1500, n)
wind = rng.uniform(-8, 8, n)
height = rng.uniform(1, 20, n)
hum = rng.uniform(0.2, 1.0, n)
level = 122 - 20 * np.log10(dist) - 0.006 * dist * (1.3 - hum) + 2.5 * np.tanh(wind / 3) * dist / 500 + 0.1 * height
level += rng.normal(0, 1.0, n)
broken = (rng.random(n) < 0.06) & (np.arange(n) < 1200)
level[broken] += rng.choice([-60.0, 80.0], broken.sum())

x = np.column_stack([np.log(dist), wind, height, hum])
x = torch.tensor((x - x.mean(0)) / x.std(0), dtype=torch.float32)
centre, spread = np.median(level), 10.0
y = torch.tensor((level - centre) / spread, dtype=torch.float32).unsqueeze(1)

net = nn.Sequential(nn.Linear(4, 40), nn.ReLU(), nn.Linear(40, 40), nn.ReLU(), nn.Linear(40, 1))
opt = torch.optim.SGD(net.parameters(), lr=1.0)
sched = torch.optim.lr_scheduler.CosineAnnealingLR(opt, T_max=80, eta_min=0.01)
huber = nn.HuberLoss(delta=0.3)
for epoch in range(80):
    for idx in torch.randperm(1200).split(60):
        opt.zero_grad()
        loss = huber(net(x[idx]), y[idx])
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 0.1)
        opt.step()
    sched.step()
    if epoch % 20 == 0:
        print(f"epoch {epoch} huber {loss.item():.4f} lr {sched.get_last_lr()[0]:.3f}")
with torch.no_grad():
    p = net(x[1200:])
yt = y[1200:]
print("R2", (1 - (p - yt).pow(2).sum() / (yt - yt.mean()).pow(2).sum()).item())
