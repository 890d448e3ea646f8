"""Node voltages of a linear resistor network from its source currents (float64, LBFGS)."""

import numpy as np
import torch

torch.manual_seed(26)
rng = np.random.default_rng(26)

nodes = 6
conductance = rng.uniform(0.2, 2.0, (nodes, nodes))
conductance = np.triu(conductance, 1) + np.triu(conductance, 1).T
laplacian = np.diag(conductance.sum(1) + 0.5) - conductance
currents = rng.normal(0, 1, (500, nodes))
voltages = np.linalg.solve(laplacian, currents.T).T[:, :3]
voltages = voltages / voltages.std(axis=0) + rng.normal(0, 0.05, (500, 3))

x_train, x_test = torch.from_numpy(currents[:400]), torch.from_numpy(currents[400:])
v_train, v_test = torch.from_numpy(voltages[:400]), torch.from_numpy(voltages[400:])

weight = torch.zeros(nodes, 3, dtype=torch.float64, requires_grad=True)
bias = torch.zeros(3, dtype=torch.float64, requires_grad=True)
optimizer = torch.optim.LBFGS([weight, bias], lr=1.0, max_iter=10, line_search_fn="strong_wolfe")


def closure():
    optimizer.zero_grad()
    loss = (x_train @ weight + bias - v_train).square().mean()
    loss.backward()
    return loss


for it in range(10):
    loss = optimizer.step(closure)
    print(f"iteration {it}: loss {loss.item():.6f}")

with torch.no_grad():
    residual = (x_test @ weight + bias - v_test).square().mean(dim=0)
    r2 = 1 - residual / v_test.var(dim=0)
for name, value in zip(["V1", "V2", "V3"], r2.tolist(), strict=True):
    print(f"R2 {name}: {value:.4f}")
