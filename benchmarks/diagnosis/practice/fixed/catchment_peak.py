"""Peak flow of small catchments (rational method with an infiltration threshold)."""

import torch
from torch import nn


class PeakNet(nn.Module):
    def __init__(self, sizes):
        super().__init__()
        self.hidden = nn.ModuleList([nn.Linear(i, o) for i, o in zip(sizes[:-1], sizes[1:])])
        self.out = nn.Linear(sizes[-1], 1)

    def forward(self, x):
        for layer in self.hidden:
            x = torch.relu(layer(x))
        return self.out(x)


torch.manual_seed(2)
n = 1500
area = torch.rand(n) * 8 + 0.5
rain = torch.rand(n) * 60 + 5
cover = torch.rand(n)
soil = torch.rand(n) * 30
slope = torch.rand(n) * 0.2 + 0.01
excess = torch.clamp(rain - soil * (1 - cover), min=0)
conc = 0.4 * area**0.5 / slope**0.3
peak = excess * area / (conc + 0.5) * (0.3 + 0.6 * cover)
peak = peak * (1 + 0.02 * torch.randn(n))

x = torch.stack([area, rain, cover, soil, slope], dim=1)
x = (x - x.mean(0)) / x.std(0)
y = ((peak - peak.mean()) / peak.std()).unsqueeze(1)
fit, check = torch.arange(1100), torch.arange(1100, n)

net = PeakNet([5, 16, 16, 16])
optimizer = torch.optim.Adam(net.parameters(), lr=5e-3)
for epoch in range(80):
    for idx in fit[torch.randperm(len(fit))].split(55):
        optimizer.zero_grad()
        loss = nn.functional.mse_loss(net(x[idx]), y[idx])
        loss.backward()
        optimizer.step()
    if epoch % 16 == 0:
        with torch.no_grad():
            print(epoch, nn.functional.mse_loss(net(x[check]), y[check]).item())

with torch.no_grad():
    sse = (net(x[check]) - y[check]).pow(2).sum()
    sst = (y[check] - y[check].mean()).pow(2).sum()
print("R2", (1 - sse / sst).item())
