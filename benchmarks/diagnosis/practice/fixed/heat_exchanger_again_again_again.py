"""Effectiveness of a counterflow heat exchanger from NTU, capacity ratio and fouling."""

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def simulate(n, rng):
    ntu = rng.uniform(0.2, 5.0, n)
    ratio = rng.uniform(0.05, 0.95, n)
    fouling = rng.uniform(0.0, 0.4, n)
    effective = ntu / (1.0 + fouling * ntu)
    e = np.exp(-effective * (1.0 - ratio))
    eff = (1.0 - e) / (1.0 - ratio * e)
    eff = eff + 0.005 * rng.standard_normal(n)
    return np.column_stack([ntu, ratio, fouling]), eff


class ExchangerNet(nn.Module):
    def __init__(self, width=48):
        super().__init__()
        self.first = nn.Linear(3, width)
        self.second = nn.Linear(width, width)
        self.out = nn.Linear(width, 1)

    def forward(self, x):
        x = torch.relu(self.first(x))
        x = torch.relu(self.second(x))
        return self.out(x)


def mean_squared(prediction, target):
    return ((prediction - target) ** 2).mean()


rng = np.random.default_rng(11)
torch.manual_seed(11)
X, y = simulate(1500, rng)
X = (X - X.mean(axis=0)) / X.std(axis=0)
y = (y - y.mean()) / y.std()
X_train, X_test = X[:1200], X[1200:]
y_train, y_test = y[:1200], y[1200:]

dataset = TensorDataset(torch.tensor(X_train, dtype=torch.float32), torch.tensor(y_train, dtype=torch.float32))
loader = DataLoader(dataset, batch_size=60, shuffle=True)
model = ExchangerNet()
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)

for epoch in range(60):
    total = 0.0
    for xb, yb in loader:
        optimizer.zero_grad()
        loss = mean_squared(model(xb).squeeze(1), yb)
        loss.backward()
        optimizer.step()
        total += loss.item()
    if epoch % 10 == 9:
        print(f"epoch {epoch + 1:3d}  loss {total / len(loader):.4f}")

model.eval()
with torch.no_grad():
    predicted = model(torch.tensor(X_test, dtype=torch.float32)).numpy().ravel()
r2 = 1.0 - np.sum((y_test - predicted) ** 2) / np.sum((y_test - y_test.mean()) ** 2)
print(f"test R2 {r2:.3f}")
