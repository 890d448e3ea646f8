"""Power of a wind turbine (MW) from wind speed, air density, pitch and yaw error."""

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, random_split

torch.manual_seed(21)
rng = np.random.default_rng(21)


def power_mw(speed, density, pitch, yaw):
    area = np.pi * 40**2
    cp = 0.44 * np.exp(-0.05 * pitch) * np.cos(np.radians(yaw)) ** 3
    p = 0.5 * density * area * cp * speed**3 / 1e6
    return np.where(speed < 3, 0.0, np.minimum(p, 2.0))


n = 2400
features = np.column_stack(
    [
        rng.weibull(2.0, n) * 9.0,
        rng.uniform(1.1, 1.3, n),
        rng.uniform(0.0, 10.0, n),
        rng.normal(0.0, 8.0, n),
    ]
)
power = power_mw(*features.T) + rng.normal(0, 0.03, n)
features = (features - features.mean(axis=0)) / features.std(axis=0)

dataset = TensorDataset(
    torch.tensor(features, dtype=torch.float32), torch.tensor(power, dtype=torch.float32).unsqueeze(1)
)
train_set, test_set = random_split(dataset, [2000, 400])
train_loader = DataLoader(train_set, batch_size=100, shuffle=True)
test_loader = DataLoader(test_set, batch_size=100)

model = nn.Sequential(
    nn.Linear(4, 48),
    nn.ReLU(),
    nn.Dropout(0.5),
    nn.Linear(48, 48),
    nn.ReLU(),
    nn.Dropout(0.5),
    nn.Linear(48, 24),
    nn.ReLU(),
    nn.Dropout(0.5),
    nn.Linear(24, 1),
)
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
loss_fn = nn.MSELoss()


def evaluate(loader):
    model.eval()
    preds, targets = [], []
    with torch.no_grad():
        for xb, yb in loader:
            preds.append(model(xb))
            targets.append(yb)
    preds, targets = torch.cat(preds), torch.cat(targets)
    return 1 - (((preds - targets) ** 2).sum() / ((targets - targets.mean()) ** 2).sum()).item()


for epoch in range(60):
    model.train()
    for xb, yb in train_loader:
        loss = loss_fn(model(xb), yb)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    if epoch % 20 == 19:
        print(f"epoch {epoch + 1}: loss {loss.item():.4f}  test R2 {evaluate(test_loader):.3f}")

print(f"final test R2: {evaluate(test_loader):.3f}")
