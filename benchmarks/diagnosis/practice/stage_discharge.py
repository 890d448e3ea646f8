"""Rating surface of a gauging station: discharge from stage, bed slope and roughness."""

import math

import torch

torch.manual_seed(4)
torch.set_default_dtype(torch.float64)

n = 1200
stage = torch.rand(n) * 3.5 + 0.3
slope = torch.rand(n) * 0.004 + 0.0005
rough = torch.rand(n) * 0.04 + 0.02
width = 18.0
area = width * stage
radius = area / (width + 2 * stage)
flow = area * radius ** (2 / 3) * slope.sqrt() / rough
flow = flow * (1 + 0.03 * torch.randn(n))

x = torch.stack([stage, slope, rough], dim=1)
x = (x - x.mean(0)) / x.std(0)
t = torch.log(flow).unsqueeze(1)
t = (t - t.mean()) / t.std()
x_fit, x_test, t_fit, t_test = x[:900], x[900:], t[:900], t[900:]

hidden = 48
w1 = (torch.randn(3, hidden) / math.sqrt(3)).requires_grad_()
b1 = torch.zeros(hidden, requires_grad=True)
w2 = (torch.randn(hidden, hidden) / math.sqrt(hidden)).requires_grad_()
b2 = torch.zeros(hidden, requires_grad=True)
w3 = (torch.randn(hidden, 1) / math.sqrt(hidden)).requires_grad_()
b3 = torch.zeros(1, requires_grad=True)
weights = [w1, b1, w2, b2, w3, b3]
rate = 0.8


def forward(x):
    h = torch.nn.functional.leaky_relu(x @ w1 + b1, 0.1)
    h = torch.nn.functional.leaky_relu(h @ w2 + b2, 0.1)
    return h @ w3 + b3


for i in range(600):
    loss = torch.mean((forward(x_fit) - t_fit) ** 2)
    loss.backward()
    with torch.no_grad():
        for p in weights:
            p -= rate * p.grad
            p.grad = None
    if i % 100 == 0:
        print(f"{i:4d}  {loss.item():.5g}")

with torch.no_grad():
    res = t_test - forward(x_test)
    r2 = 1 - (res**2).sum() / ((t_test - t_test.mean()) ** 2).sum()
print("R2", round(float(r2), 4))
