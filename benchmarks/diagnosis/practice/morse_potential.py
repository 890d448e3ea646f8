import numpy as np
import torch

torch.manual_seed(0)
np.random.seed(0)

De, a, re = 4.0, 1.3, 1.5


def V(r):
    return De * (1 - np.exp(-a * (r - re))) ** 2


r = np.linspace(0.9, 4.5, 500)
r_hold = np.random.uniform(0.9, 4.5, 200)
u = lambda r: (r - 2.7) / 1.04
v0, vs = V(r).mean(), V(r).std()

X = torch.tensor(u(r))[:, None]
Y = torch.tensor((V(r) - v0) / vs)[:, None]
Xh = torch.tensor(u(r_hold))[:, None]

model = torch.nn.Sequential(
    torch.nn.Linear(1, 50),
    torch.nn.Tanh(),
    torch.nn.Linear(50, 50),
    torch.nn.Tanh(),
    torch.nn.Linear(50, 50),
    torch.nn.Tanh(),
    torch.nn.Linear(50, 1),
).double()
optim = torch.optim.Adam(model.parameters(), lr=0.3)

hist = np.zeros(700)
for k in range(700):
    optim.zero_grad()
    resid = model(X) - Y
    L = torch.mean(resid**2)
    L.backward()
    optim.step()
    hist[k] = L.item()
    if k % 100 == 0:
        print(k, hist[k])

pred = model(Xh).detach().numpy().ravel() * vs + v0
true = V(r_hold)
print("final loss", hist[-1])
print("R^2 =", 1 - ((pred - true) ** 2).sum() / ((true - true.mean()) ** 2).sum())
