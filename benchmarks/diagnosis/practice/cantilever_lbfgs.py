"""Surrogate for the tip deflection of a cantilever with a load along it, fitted with L-BFGS in double precision."""

import numpy as np
import torch

torch.set_default_dtype(torch.float64)
torch.manual_seed(2)
gen = np.random.default_rng(2)

force = gen.uniform(200.0, 2000.0, 600)  # N
length = gen.uniform(0.5, 2.0, 600)  # m
ratio = gen.uniform(0.2, 1.0, 600)  # load position / length
height = gen.uniform(0.03, 0.08, 600)  # m
width, young = 0.04, 2.1e11
inertia = width * height**3 / 12
a = ratio * length
tip = force * a**2 * (3 * length - a) / (6 * young * inertia)

features = torch.tensor(np.log(np.stack([force, length, ratio, height], axis=1)))
features = (features - features.mean(0)) / features.std(0)
target = torch.tensor(np.log(tip * 1000))
target = (target - target.mean()) / target.std()

w1 = (torch.randn(4, 16) * 0.5).requires_grad_()
b1 = torch.zeros(16, requires_grad=True)
w2 = (torch.randn(16) * 0.25).requires_grad_()
b2 = torch.zeros((), requires_grad=True)
weights = [w1, b1, w2, b2]


def surrogate(x):
    return torch.tanh(x @ w1 + b1) @ w2 + b2


optimizer = torch.optim.LBFGS(weights, lr=1.0, max_iter=20, history_size=10, line_search_fn="strong_wolfe")


def closure():
    optimizer.zero_grad()
    loss = torch.mean((surrogate(features) - target) ** 2) + 1e-7 * sum((w**2).sum() for w in weights)
    loss.backward()
    return loss


for outer in range(15):
    value = optimizer.step(closure)
    if outer % 3 == 0:
        print(f"outer {outer:2d}  loss {value.item():.3e}")

with torch.no_grad():
    misfit = torch.mean((surrogate(features) - target) ** 2).item()
print(f"final mse {misfit:.2e}, R2 {1 - misfit / target.var(unbiased=False).item():.6f}")
