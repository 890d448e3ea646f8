"""Viscosity of mixtures: many cheap simulated ones, few measured ones."""

import torch
from torch import nn

torch.manual_seed(14)


def log_viscosity(x, shift=0.0):
    frac, temp, size = x.T
    return -0.9 * temp + 1.1 * frac * (1 - frac) * size + (0.6 + shift) * frac**2 * torch.exp(-0.5 * temp) + shift


def sample(n, shift=0.0, noise=0.0):
    x = torch.rand(n, 3) * torch.tensor([1.0, 2.0, 2.0]) - torch.tensor([0.0, 1.0, 1.0])
    y = log_viscosity(x, shift) + noise * torch.randn(n)
    return x, y.unsqueeze(1)


class TransferNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.trunk = nn.Sequential(nn.Linear(3, 48), nn.SiLU(), nn.Linear(48, 48), nn.SiLU())
        self.head = nn.Linear(48, 1)

    def forward(self, x):
        return self.head(self.trunk(x))


def fit(net, x, y, lr, epochs, name):
    trainable = [p for p in net.parameters() if p.requires_grad]
    opt = torch.optim.Adam(trainable, lr=lr)
    for epoch in range(epochs):
        opt.zero_grad()
        loss = nn.functional.mse_loss(net(x), y)
        loss.backward()
        opt.step()
        if epoch % (epochs // 4) == 0:
            print(f"[{name}] {epoch:4d}  {loss.item():.5f}")


def score(net, x, y):
    with torch.no_grad():
        return (1 - nn.functional.mse_loss(net(x), y) / y.var()).item()


net = TransferNet()
x_sim, y_sim = sample(2000)
fit(net, x_sim, y_sim, lr=5e-3, epochs=500, name="simulated")

x_lab, y_lab = sample(80, shift=0.4, noise=0.02)
x_new, y_new = sample(500, shift=0.4, noise=0.02)
print("before adaptation R2:", score(net, x_new, y_new))

for p in net.trunk.parameters():
    p.requires_grad_(False)
fit(net, x_lab, y_lab, lr=1e-2, epochs=800, name="measured")
print("after adaptation R2:", score(net, x_new, y_new))
