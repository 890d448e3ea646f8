"""Terminal voltage of a cell against state of charge, current and temperature."""

import numpy as np
import torch
import torch.nn.functional as F

rng = np.random.default_rng(12)
torch.manual_seed(12)


def cell(n):
    soc, amps, temp = rng.uniform(0.03, 1, n), rng.uniform(-2, 2, n), rng.uniform(-1, 1, n)
    ocv = 3.4 + 0.6 * soc + 0.12 * np.log(soc) - 0.02 / soc + 0.05 * np.sin(6 * soc)
    volts = ocv - amps * 0.08 * np.exp(-0.6 * temp)
    x = np.stack([(soc - 0.515) * 3.5, amps / 1.15, temp * 1.7], 1)
    return torch.tensor(x, dtype=torch.float32), torch.tensor(volts, dtype=torch.float32).view(-1, 1)


def layer(n_in, n_out, gain, bias):
    w = (torch.randn(n_in, n_out) * gain / n_in**0.5).requires_grad_()
    b = torch.full((n_out,), bias).requires_grad_()
    return w, b


x, v = cell(1200)
x_test, v_test = cell(300)
mu, sd = v.mean(), v.std()
t = (v - mu) / sd

w1, b1 = layer(3, 40, 1.0, 14.0)
w2, b2 = layer(40, 40, 1.0, 14.0)
w3, b3 = layer(40, 1, 0.5, 0.0)
weights = [w1, b1, w2, b2, w3, b3]


def net(z):
    h = torch.tanh(z @ w1 + b1)
    h = torch.tanh(h @ w2 + b2)
    return torch.sigmoid(h @ w3 + b3)


opt = torch.optim.SGD(weights, lr=0.01, momentum=0.9, nesterov=True)
for it in range(3000):
    rows = torch.from_numpy(rng.integers(0, 1200, 64))
    opt.zero_grad()
    loss = F.mse_loss(net(x[rows]), t[rows])
    loss.backward()
    opt.step()
    if it % 500 == 0:
        print(f"iter {it} loss {loss.item():.5f}")

with torch.no_grad():
    pred = net(x_test) * sd + mu
print("R2 on test cells:", 1 - (F.mse_loss(pred, v_test) / v_test.var(unbiased=False)).item())
