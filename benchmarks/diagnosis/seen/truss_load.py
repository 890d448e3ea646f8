"""Member force in a simple truss, sum of squared errors, SGD."""

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(14)
rng = np.random.default_rng(14)

n = 1500
load = rng.uniform(1.0, 10.0, n)  # kN
angle = rng.uniform(30.0, 60.0, n)  # degrees
offset = rng.uniform(0.2, 0.8, n)  # position of the load along the span
theta = np.radians(angle)
force = load * (1 - offset) / np.sin(theta) + 0.3 * load * np.cos(theta) ** 2 * offset

inputs = np.column_stack([load, angle, offset])
inputs = (inputs - inputs.mean(axis=0)) / inputs.std(axis=0)
target = ((force - force.mean()) / force.std())[:, None]
inputs, target = torch.Tensor(inputs), torch.Tensor(target)

train_loader = DataLoader(TensorDataset(inputs[:1200], target[:1200]), batch_size=64, shuffle=True)
model = nn.Sequential(nn.Linear(3, 32), nn.Tanh(), nn.Linear(32, 32), nn.Tanh(), nn.Linear(32, 1))
sse = nn.MSELoss(reduction="sum")
optimizer = torch.optim.SGD(model.parameters(), lr=2e-4, momentum=0.9)

for epoch in range(1, 81):
    total = 0.0
    for xb, yb in train_loader:
        loss = sse(model(xb), yb)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item()
    if epoch % 20 == 0:
        print(f"epoch {epoch}: sse {total:.3f}")

with torch.no_grad():
    residual = sse(model(inputs[1200:]), target[1200:])
    spread = sse(target[1200:].mean().expand(300, 1), target[1200:])
print(f"R2 on 300 unseen trusses: {1 - (residual / spread).item():.4f}")
