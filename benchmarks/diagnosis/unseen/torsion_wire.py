import math

import torch

torch.manual_seed(64)


def twist_angle(torque, length, radius, shear):
    polar = math.pi * radius**4 / 2
    return torque * length / (shear * polar)


n = 1000
torque = 0.02 + 0.08 * torch.rand(n)
length = 0.3 + 0.9 * torch.rand(n)
radius = 0.0012 + 0.0008 * torch.rand(n)
shear = (26 + 55 * torch.rand(n)) * 1e9
angle = twist_angle(torque, length, radius, shear) * (1 + 0.03 * torch.randn(n))

x = torch.stack([torque * 40 - 2.4, 2 * length - 1.5, radius * 4000 - 6.4, shear / 2e10 - 2.7], dim=1)
y = torch.log(angle).unsqueeze(1)
x_fit, y_fit, x_new, y_new = x[:800], y[:800], x[800:], y[800:]

w1 = (torch.randn(4, 24) / 2).requires_grad_()
b1 = torch.zeros(24, requires_grad=True)
w2 = (torch.randn(24, 24) / math.sqrt(24)).requires_grad_()
b2 = torch.zeros(24, requires_grad=True)
w3 = (torch.randn(24, 1) / math.sqrt(24)).requires_grad_()
b3 = torch.zeros(1, requires_grad=True)
weights = [w1, b1, w2, b2, w3, b3]


def network(x):
    h = torch.tanh(x @ w1 + b1)
    h = torch.tanh(h @ w2 + b2)
    return h @ w3 + b3


rate = 8e-4
for epoch in range(250):
    total = 0.0
    for rows in torch.randperm(800).split(100):
        loss = ((network(x_fit[rows]) - y_fit[rows]) ** 2).sum()
        total += loss.item()
        grads = torch.autograd.grad(loss, weights)
        with torch.no_grad():
            for w, g in zip(weights, grads, strict=True):
                w -= rate * g
    if epoch % 50 == 0:
        print(f"epoch {epoch:3d}  sum of squares {total:.3f}")

with torch.no_grad():
    resid = network(x_new) - y_new
print(f"log angle: R2 {1 - resid.square().sum() / (y_new - y_new.mean()).square().sum():.4f}")
