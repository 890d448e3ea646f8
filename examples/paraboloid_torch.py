"""A network that is to learn z = x^2 + y^2, as its author asked about it: it does not learn.

Find out why: `parity diagnose examples/paraboloid_torch.py`
"""

import numpy as np
import torch
from sklearn.metrics import r2_score
from sklearn.model_selection import train_test_split
from torch import nn

np.random.seed(0)
torch.manual_seed(0)

x = np.random.random(1000)
y = np.random.random(1000)
z = x**2 + y**2

inputs = torch.Tensor(np.column_stack([x, y]))
targets = torch.Tensor(z)
x_train, x_test, z_train, z_test = train_test_split(inputs, targets, test_size=0.15, random_state=42)

model = nn.Sequential(
    nn.Linear(2, 10),
    nn.ReLU(),
    nn.Linear(10, 5),
    nn.ReLU(),
    nn.Linear(5, 1),
)
criterion = nn.MSELoss(reduction="sum")
optimizer = torch.optim.SGD(model.parameters(), lr=1e-6)

for epoch in range(20_000):
    prediction = model(x_train)
    loss = criterion(prediction, z_train)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if epoch % 2000 == 0:
        print(f"epoch {epoch}: loss {loss.item():.1f}")

with torch.no_grad():
    prediction = model(x_test)
print(f"loss {loss.item():.1f}, R2 {r2_score(z_test.numpy(), prediction.numpy()):.4f}")
