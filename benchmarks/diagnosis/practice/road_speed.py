"""Mean speed on road sections from density, lanes, gradient and share of lorries."""

import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(19)


def sections(n):
    k = torch.rand(n) * 110 + 5
    lanes = torch.randint(1, 4, (n,)).float()
    grade = torch.rand(n) * 6
    lorries = torch.rand(n) * 0.4
    free = 105 - 4 * grade * (1 + 2 * lorries)
    kc = 28 + 5 * lanes
    v = free * torch.exp(-0.5 * (k / kc) ** 2) + 3
    return torch.stack([k, lanes, grade, lorries], 1), (v + torch.randn(n)).unsqueeze(1)


x, y = sections(1400)
x = (x - x.mean(0)) / x.std(0)
y = (y - y.mean()) / y.std()
xa, ya, xb, yb = x[:1000], y[:1000], x[1000:], y[1000:]

net = nn.Sequential(nn.Linear(4, 50), nn.Tanh(), nn.Linear(50, 50), nn.Tanh(), nn.Linear(50, 1))
opt = torch.optim.SGD(net.parameters(), lr=0.4, momentum=0.95)


def train_epoch():
    total = 0.0
    order = torch.randperm(len(xa))
    for s in range(0, len(xa), 50):
        i = order[s : s + 50]
        loss = F.smooth_l1_loss(net(xa[i]), ya[i])
        opt.zero_grad()
        loss.backward()
        opt.step()
        total += loss.item()
    return total / 20


@torch.no_grad()
def r2():
    return 1 - (F.mse_loss(net(xb), yb) / yb.var(unbiased=False)).item()


for epoch in range(1, 81):
    mean_loss = train_epoch()
    if epoch % 10 == 0:
        print(f"epoch {epoch:3d} loss {mean_loss:.4f} R2 {r2():.3f}")
print("final R2", r2())
