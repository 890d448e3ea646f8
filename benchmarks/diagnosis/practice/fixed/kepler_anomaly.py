"""Eccentric anomaly from mean anomaly and eccentricity."""

import math

import torch

torch.manual_seed(8)
n = 1000
mean_anomaly = torch.rand(n) * 2 * math.pi
ecc = torch.rand(n) * 0.9
anomaly = mean_anomaly.clone()
for _ in range(60):
    f = anomaly - ecc * torch.sin(anomaly) - mean_anomaly
    anomaly = anomaly - f / (1 - ecc * torch.cos(anomaly))

x = torch.stack([(mean_anomaly - math.pi) / 1.8, (ecc - 0.45) / 0.26], 1)
y = (anomaly - mean_anomaly).reshape(-1, 1)
y = y / y.std()
train, test = slice(0, 800), slice(800, n)

w1 = torch.randn(2, 60).requires_grad_()
b1 = torch.randn(60).requires_grad_()
w2 = (torch.randn(60, 1) / 8).requires_grad_()
b2 = torch.zeros(1).requires_grad_()


def hidden_layer(x):
    return torch.tanh(x @ w1 + b1)


def output_layer(h):
    return h @ w2 + b2


opt = torch.optim.Adam([w1, b1, w2, b2], lr=0.01)
for i in range(1500):
    h = hidden_layer(x[train])
    loss = torch.mean((output_layer(h) - y[train]) ** 2)
    opt.zero_grad()
    loss.backward()
    opt.step()
    if i % 300 == 0:
        print(i, f"{loss.item():.6f}")

with torch.no_grad():
    p = output_layer(hidden_layer(x[test]))
    score = 1 - ((p - y[test]) ** 2).sum() / ((y[test] - y[test].mean()) ** 2).sum()
print(f"R2 = {score.item():.4f}")
