import numpy as np
import torch
import torch.nn as nn

# log10 of a thermally activated, pressure dependent rate constant

R = 8.314


def log_rate(p, T, Ea):
    return 9.0 - Ea / (R * T * np.log(10)) + 0.5 * np.log10(p / 1e5)


def sample(n, rng):
    p = rng.uniform(0.5e5, 8e5, n)
    T = rng.uniform(290.0, 900.0, n)
    Ea = rng.uniform(4e4, 6e4, n)
    y = log_rate(p, T, Ea) + rng.normal(0, 0.05, n)
    return np.stack([p, T, Ea], axis=1), y[:, None]


def tensor(a):
    return torch.from_numpy(a).float()


rng = np.random.default_rng(7)
torch.manual_seed(7)
X, Y = sample(1200, rng)
Xt, Yt = sample(400, rng)
net = nn.Sequential(nn.Linear(3, 40), nn.Tanh(), nn.Linear(40, 40), nn.Tanh(), nn.Linear(40, 1))
opt = torch.optim.Adam(net.parameters(), lr=3e-3)
x, y = tensor(X), tensor(Y)
for it in range(800):
    loss = ((net(x) - y) ** 2).mean()
    opt.zero_grad()
    loss.backward()
    opt.step()
    if it % 200 == 0:
        print("iter %d  mse %.5f" % (it, loss.item()))

with torch.no_grad():
    P = net(tensor(Xt)).numpy()
r2 = 1 - np.sum((P - Yt) ** 2) / np.sum((Yt - Yt.mean()) ** 2)
print("R2 on fresh samples: %.4f" % r2)
