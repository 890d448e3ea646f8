"""Pressure of a real gas; weights and layers written out."""

import torch

torch.manual_seed(9)
R = 8.314
n = 500
volume = 1e-3 + 9e-3 * torch.rand(n)  # m3/mol
kelvin = 300 + 300 * torch.rand(n)
a = 0.1 + 0.4 * torch.rand(n)  # Pa m6/mol2
b = 4e-5
pressure = R * kelvin / (volume - b) - a / volume**2  # Pa

x = torch.stack([(volume - 5.5e-3) / 2.6e-3, (kelvin - 450) / 87, (a - 0.3) / 0.115], dim=1)
y = torch.log(pressure / 1e5)
y = ((y - y[:400].mean()) / y[:400].std())[:, None]
y = y + 0.02 * torch.randn_like(y)

H = 40
W1 = (torch.randn(3, H) / 3**0.5).requires_grad_()
b1 = torch.zeros(H, requires_grad=True)
W2 = (torch.randn(H, H) / H**0.5).requires_grad_()
b2 = torch.zeros(H, requires_grad=True)
W3 = (torch.randn(H, 1) / H**0.5).requires_grad_()
b3 = torch.zeros(1, requires_grad=True)
weights = [W1, b1, W2, b2, W3, b3]


def forward(inp):
    h = torch.tanh(inp @ W1 + b1)
    h = torch.tanh(h @ W2 + b2)
    return h @ W3 + b3


rate = 1e-4
for step in range(4001):
    loss = ((forward(x[:400]) - y[:400]) ** 2).sum()
    loss.backward()
    with torch.no_grad():
        for w in weights:
            w -= rate * w.grad
            w.grad = None
    if step % 800 == 0:
        print(f"{step:5d} sum of squares {loss.item():.4f}")

with torch.no_grad():
    left = ((forward(x[400:]) - y[400:]) ** 2).sum()
    print(f"R2 {1 - (left / ((y[400:] - y[400:].mean()) ** 2).sum()).item():.4f}")
