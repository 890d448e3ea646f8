"""Firing rate of a leaky integrate-and-fire neuron from its drive and membrane constants."""

import numpy as np
import torch
from torch import nn


def firing_rates(n, rng):
    current = rng.uniform(0.9, 3.0, n)
    tau = rng.uniform(8.0, 30.0, n)
    threshold = rng.uniform(0.8, 1.4, n)
    refractory = rng.uniform(1.0, 6.0, n)
    active = current > threshold * 1.02
    wait = refractory + tau * np.log(current / np.where(active, current - threshold, 1.0))
    rate = np.where(active, 1000.0 / wait, 0.0)
    x = np.column_stack([current, tau, threshold, refractory])
    return (x - x.mean(0)) / x.std(0), (rate - rate.mean()) / rate.std()


class RateNet(nn.Module):
    def __init__(self, width=32, drop=0.5):
        super().__init__()
        self.l1 = nn.Linear(4, width)
        self.l2 = nn.Linear(width, width)
        self.l3 = nn.Linear(width, width)
        self.l4 = nn.Linear(width, 1)
        self.drop = nn.Dropout(drop)
        for layer in (self.l1, self.l2, self.l3):
            nn.init.normal_(layer.weight, std=0.18)
            nn.init.normal_(layer.bias, std=0.1)

    def forward(self, x):
        x = torch.tanh(self.l1(x))
        x = torch.tanh(self.l2(x))
        x = self.drop(torch.tanh(self.l3(x)))
        return self.l4(x)


rng = np.random.default_rng(40)
torch.manual_seed(40)
features, rates = firing_rates(1300, rng)
features = torch.as_tensor(features, dtype=torch.float32)
rates = torch.as_tensor(rates, dtype=torch.float32).reshape(-1, 1)
cut = 1000

net = RateNet()
optimizer = torch.optim.Adam(net.parameters(), lr=3e-3)
mse = nn.MSELoss()

net.train()
for epoch in range(90):
    for rows in torch.randperm(cut).split(50):
        optimizer.zero_grad()
        loss = mse(net(features[rows]), rates[rows])
        loss.backward()
        optimizer.step()
    if epoch % 15 == 0:
        print(f"epoch {epoch:2d}  loss {loss.item():.4f}")

net.eval()
with torch.no_grad():
    guess = net(features[cut:])
    held = rates[cut:]
    r2 = 1 - ((guess - held) ** 2).sum() / ((held - held.mean()) ** 2).sum()
print(f"R2 for unseen neurons: {r2.item():.3f}")
