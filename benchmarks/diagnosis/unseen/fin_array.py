# Temperature effectiveness of rectangular cooling fins, fitted with LBFGS in double precision.
import numpy as np
import torch

torch.manual_seed(1)
torch.set_default_dtype(torch.float64)
gen = np.random.default_rng(1)


def fin_table(n):
    length = gen.uniform(0.01, 0.08, n)  # m
    thickness = gen.uniform(0.0005, 0.003, n)  # m
    conductivity = gen.uniform(15.0, 380.0, n)  # W/m K
    film = gen.uniform(20.0, 400.0, n)  # W/m2 K
    m = np.sqrt(2.0 * film / (conductivity * thickness))
    corrected = m * (length + thickness / 2.0)
    efficiency = np.tanh(corrected) / corrected
    x = np.column_stack([length / 0.05, thickness / 0.002, conductivity / 200.0, film / 200.0])
    return torch.tensor(x), torch.tensor(efficiency)[:, None]


x, y = fin_table(350)
x_new, y_new = fin_table(250)

w1 = (torch.randn(4, 20) * 0.6).requires_grad_()
b1 = torch.zeros(20, requires_grad=True)
w2 = (torch.randn(20, 20) * 0.25).requires_grad_()
b2 = torch.zeros(20, requires_grad=True)
w3 = (torch.randn(20, 1) * 0.25).requires_grad_()
b3 = torch.full((1,), 0.5, requires_grad=True)
params = [w1, b1, w2, b2, w3, b3]


def effectiveness(inputs):
    h = torch.tanh(inputs @ w1 + b1)
    h = torch.tanh(h @ w2 + b2)
    return torch.sigmoid(h @ w3 + b3)


solver = torch.optim.LBFGS(params, lr=1.0, max_iter=20, history_size=25, line_search_fn="strong_wolfe")


def closure():
    solver.zero_grad()
    fit = torch.mean((effectiveness(x) - y) ** 2)
    ridge = 1e-7 * sum((p**2).sum() for p in (w1, w2, w3))
    value = fit + ridge
    value.backward()
    return value


for outer in range(25):
    value = solver.step(closure)
    if outer % 5 == 0:
        print(f"outer {outer:2d}  objective {value.item():.3e}")

with torch.no_grad():
    residual = effectiveness(x_new) - y_new
print(f"R2 {1 - (residual.pow(2).mean() / y_new.var()).item():.5f}, worst error {residual.abs().max().item():.4f}")
