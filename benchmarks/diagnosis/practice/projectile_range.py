import numpy as np
import torch
import torch.nn as nn

g = 9.81
rng = np.random.default_rng(31)
torch.manual_seed(31)


def reach(v, th, h):
    vy = v * np.sin(th)
    return v * np.cos(th) / g * (vy + np.sqrt(vy**2 + 2 * g * h))


def standardise(a, m, s):
    return (a - m) / s


def unstandardise(z, m, s):
    return z * s + m


N = 1500
v = rng.uniform(5, 30, N)
th = rng.uniform(0.05, 1.5, N)
h = rng.uniform(0, 20, N)
A = np.column_stack([v, th, h])
d = reach(v, th, h)[:, None]
ntr = 1200
mA, sA = A[:ntr].mean(0), A[:ntr].std(0)
md, sd = d[:ntr].mean(), d[:ntr].std()

x = torch.tensor(standardise(A, mA, sA), dtype=torch.float32)
target = torch.tensor(d, dtype=torch.float32)

net = nn.Sequential(
    nn.Linear(3, 64),
    nn.Linear(64, 64),
    nn.Linear(64, 1),
)
opt = torch.optim.Adam(net.parameters(), lr=5e-3)

for i in range(600):
    opt.zero_grad()
    z = net(x[:ntr])
    metres = torch.tensor(unstandardise(z.detach().numpy(), md, sd), requires_grad=True)
    loss = torch.mean(((metres - target[:ntr]) / sd) ** 2)
    loss.backward()
    opt.step()
    if i % 150 == 0:
        print(f"{i:5d}  {loss.item():.4f}")

with torch.no_grad():
    out = unstandardise(net(x[ntr:]).numpy(), md, sd)
ref = d[ntr:]
print("R2 = %.4f" % (1 - ((out - ref) ** 2).sum() / ((ref - ref.mean()) ** 2).sum()))
