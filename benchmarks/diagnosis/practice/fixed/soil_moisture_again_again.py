"""Volumetric water content of soil (in percent) from suction and texture, after van Genuchten."""

import torch
from torch import nn


class Retention(nn.Module):
    def __init__(self, width=40):
        super().__init__()
        self.fc1 = nn.Linear(4, width)
        self.fc2 = nn.Linear(width, width)
        self.fc3 = nn.Linear(width, 1)

    def forward(self, x):
        h = torch.tanh(self.fc1(x))
        h = torch.tanh(self.fc2(h))
        return 100.0 * torch.sigmoid(self.fc3(h))


def samples(n):
    log_suction = torch.rand(n) * 4.0  # log10 of cm of water
    sand = torch.rand(n)
    clay = torch.rand(n) * (1.0 - sand)
    density = 1.1 + 0.5 * torch.rand(n)
    alpha = 0.005 + 0.08 * sand**2
    shape = 1.15 + 1.2 * sand * (1.0 - clay)
    residual = 3.0 + 12.0 * clay
    saturated = 100.0 * (1.0 - density / 2.65)
    effective = (1.0 + (alpha * 10**log_suction) ** shape) ** -(1.0 - 1.0 / shape)
    water = residual + (saturated - residual) * effective + 0.8 * torch.randn(n)
    return torch.stack([log_suction - 2.0, 3.0 * (sand - 0.5), 4.0 * (clay - 0.25), 6.0 * (density - 1.35)], 1), water


torch.manual_seed(12)
x, water = samples(500)
x_held, water_held = samples(300)

net = Retention()
optimizer = torch.optim.Adam(net.parameters(), lr=1e-2)
for step in range(1001):
    predicted = net(x)
    loss = ((predicted.squeeze(1) - water) ** 2).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 200 == 0:
        print(f"step {step:4d}   mean squared error {loss.item():.3f}")

net.eval()
with torch.no_grad():
    out = net(x_held).view(-1)
sse = torch.sum((out - water_held) ** 2)
print("R2 on further samples:", round(1 - (sse / torch.sum((water_held - water_held.mean()) ** 2)).item(), 3))
