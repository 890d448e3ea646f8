"""Current amplitude in a series RLC circuit, with a network written by hand."""

import math

import torch

torch.manual_seed(3)


def current(r, l_mh, c_uf, f):
    w = 2 * math.pi * f
    reactance = w * l_mh * 1e-3 - 1 / (w * c_uf * 1e-6)
    return 10.0 / torch.sqrt(r**2 + reactance**2)


n = 1500
lo = torch.tensor([60.0, 5.0, 2.0, 300.0])
hi = torch.tensor([200.0, 30.0, 15.0, 1500.0])
raw = lo + (hi - lo) * torch.rand(n, 4)
amps = current(*raw.T)

x = 2 * (raw - lo) / (hi - lo) - 1
y = ((amps - amps.mean()) / amps.std()).reshape(-1, 1)
x_train, y_train, x_test, y_test = x[:1200], y[:1200], x[1200:], y[1200:]

hidden = 96
w1 = torch.randn(4, hidden) / math.sqrt(4)
w2 = torch.randn(hidden, hidden) / math.sqrt(hidden)
w3 = 0.1 * torch.randn(hidden, 1)
b1, b2, b3 = torch.zeros(hidden), torch.zeros(hidden), torch.zeros(1)
params = [w1, b1, w2, b2, w3, b3]
for p in params:
    p.requires_grad_()


def forward(x):
    h = torch.tanh(x @ w1 + b1)
    h = torch.tanh(h @ w2 + b2)
    return h @ w3 + b3


def r2(x, y):
    with torch.no_grad():
        return 1 - ((forward(x) - y) ** 2).mean() / y.var()


optimizer = torch.optim.Adam(params, lr=3e-3)
for step in range(1200):
    idx = torch.randint(0, len(x_train), (128,))
    loss = ((forward(x_train[idx]) - y_train[idx]) ** 2).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 200 == 0:
        print(f"step {step:5d}  loss {loss.item():9.4f}  test R2 {r2(x_test, y_test).item():.3f}")

print(f"train R2 {r2(x_train, y_train).item():.3f}")
print(f"test R2  {r2(x_test, y_test).item():.3f}")
