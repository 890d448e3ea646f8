"""Reverberation time of rooms (Eyring) from dimensions and wall absorption."""

import torch
from torch import nn


def rooms(n, g):
    lx = torch.rand(n, generator=g) * 12 + 3
    ly = torch.rand(n, generator=g) * 9 + 3
    lz = torch.rand(n, generator=g) * 3 + 2.4
    walls = torch.rand(n, generator=g) * 0.4 + 0.05
    ceiling = torch.rand(n, generator=g) * 0.6 + 0.05
    s_wall, s_ceil = 2 * lz * (lx + ly), lx * ly
    surface = s_wall + 2 * s_ceil
    mean_abs = (s_wall * walls + s_ceil * ceiling + s_ceil * 0.08) / surface
    rt = 0.161 * lx * ly * lz / (-surface * torch.log(1 - mean_abs))
    return torch.stack([lx, ly, lz, walls, ceiling], 1), rt.log().unsqueeze(1)


class ReverbNet(nn.Module):
    def __init__(self, width=64):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(5, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU(), nn.Linear(width, 1)
        )
        self.apply(self.init_layer)

    @staticmethod
    def init_layer(m):
        if isinstance(m, nn.Linear):
            nn.init.xavier_uniform_(m.weight)
            nn.init.constant_(m.bias, 0.0)

    def forward(self, x):
        return self.layers(x)


g = torch.Generator().manual_seed(10)
torch.manual_seed(10)
x, y = rooms(1500, g)
mu, sd = x[:1200].mean(0), x[:1200].std(0)
x = (x - mu) / sd
net = ReverbNet()
opt = torch.optim.Adam(net.parameters(), lr=4e-3)
for epoch in range(60):
    perm = torch.randperm(1200, generator=g)
    for k in range(0, 1200, 60):
        rows = perm[k : k + 60]
        loss = nn.functional.mse_loss(net(x[rows]), y[rows])
        opt.zero_grad()
        loss.backward()
        opt.step()
    if (epoch + 1) % 10 == 0:
        print(f"{epoch + 1}: {loss.item():.5f}")
with torch.no_grad():
    p = net(x[1200:])
yt = y[1200:]
print("R2 on 300 rooms", (1 - (yt - p).pow(2).sum() / (yt - yt.mean()).pow(2).sum()).item())
