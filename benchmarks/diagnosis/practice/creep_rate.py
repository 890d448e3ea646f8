"""Norton-type creep law of a steel, fitted to a test table."""

import numpy as np
import torch

torch.manual_seed(5)
rng = np.random.default_rng(5)
stress = rng.uniform(40, 220, 250)
kelvin = rng.uniform(750, 950, 250)
grain = rng.uniform(10, 80, 250)
log_rate = 4.5 * np.log(stress / 100) - 28000 * (1 / kelvin - 1 / 850) - 0.8 * np.log(grain / 30)
log_rate += 1.2 * np.log(1 + (stress / 160) ** 6) + rng.normal(0, 0.1, 250)

X = torch.tensor(np.column_stack([stress / 130 - 1, kelvin / 100 - 8.5, grain / 40 - 1]), dtype=torch.float64)
t = torch.tensor(log_rate / 4, dtype=torch.float64)
W1 = (0.7 * torch.randn(3, 8, dtype=torch.float64)).requires_grad_()
b1 = torch.zeros(8, dtype=torch.float64, requires_grad=True)
W2 = (0.3 * torch.randn(8, dtype=torch.float64)).requires_grad_()
b2 = torch.zeros((), dtype=torch.float64, requires_grad=True)
weights = [W1, b1, W2, b2]


def model(x):
    return torch.tanh(x @ W1 + b1) @ W2 + b2


optimizer = torch.optim.LBFGS(weights, lr=1, max_iter=20, line_search_fn="strong_wolfe")


def closure():
    optimizer.zero_grad()
    loss = ((model(X) - t) ** 2).mean() + 1e-5 * sum((w**2).sum() for w in (W1, W2))
    loss.backward()
    return loss


for k in range(12):
    value = optimizer.step(closure)
    print(f"step {k:2d} objective {value.item():.6f}")
with torch.no_grad():
    print("max error in log rate:", 4 * (model(X) - t).abs().max().item())
