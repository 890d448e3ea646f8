"""Weekly demand for a drink as a function of prices, income, temperature and promotion."""

import numpy as np
import torch
from torch import nn

SEED = 33


def market(n):
    g = np.random.default_rng(SEED)
    price = g.uniform(0.8, 2.4, n)
    rival = g.uniform(0.8, 2.4, n)
    income = g.lognormal(0.0, 0.35, n)
    temp = g.uniform(-5, 32, n)
    promo = g.integers(0, 2, n)
    log_q = 3.0 - 1.6 * np.log(price) + 0.7 * np.log(rival) + 0.4 * np.log(income)
    log_q += 0.02 * np.maximum(temp - 15, 0) + 0.25 * promo * (price < 1.4)
    q = np.exp(log_q + 0.05 * g.standard_normal(n))
    feats = np.stack([price - 1.6, rival - 1.6, np.log(income), (temp - 13) / 10, promo - 0.5], 1)
    return torch.from_numpy(feats).float(), torch.from_numpy(q).float()


class DemandNet(nn.Module):
    def __init__(self, n_in):
        super().__init__()
        self.hidden = nn.Linear(n_in, 40)
        self.mix = nn.Linear(40, 20)
        self.out = nn.Linear(20, 1)

    def forward(self, x):
        x = torch.relu(self.hidden(x))
        x = torch.relu(self.mix(x))
        return self.out(x).squeeze(1)


def squared_error(pred, target):
    return torch.square((pred - target).mean())


def r_squared(pred, target):
    return (1 - ((pred - target) ** 2).sum() / ((target - target.mean()) ** 2).sum()).item()


torch.manual_seed(SEED)
x, q = market(1800)
scale_mean, scale_std = q[:1400].mean(), q[:1400].std()
z = (q - scale_mean) / scale_std

net = DemandNet(x.shape[1])
opt = torch.optim.Adam(net.parameters(), lr=5e-3)

for epoch in range(300):
    loss = squared_error(net(x[:1400]), z[:1400])
    opt.zero_grad()
    loss.backward()
    opt.step()
    if epoch % 50 == 0:
        print(f"epoch {epoch:3d} loss {loss.item():.5f}")

with torch.no_grad():
    units = net(x[1400:]) * scale_std + scale_mean
print("first forecasts:", [round(v, 1) for v in units[:5].tolist()])
print("first actuals:  ", [round(v, 1) for v in q[1400:1405].tolist()])
print(f"test R2 {r_squared(units, q[1400:]):.3f}")
