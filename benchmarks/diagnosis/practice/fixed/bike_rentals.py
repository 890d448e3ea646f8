import numpy as np
import torch
from sklearn.metrics import r2_score
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

rng = np.random.default_rng(21)
torch.manual_seed(21)

n = 1200
season = rng.integers(0, 4, n)
weekday = rng.integers(0, 7, n)
hour = rng.integers(0, 24, n)
temp = 8 + 9 * np.sin(season * np.pi / 2) + rng.normal(0, 4, n)
wind = rng.gamma(2.0, 2.5, n)

commute = np.exp(-((hour - 8) ** 2) / 4) + 1.2 * np.exp(-((hour - 17.5) ** 2) / 6)
leisure = np.exp(-((hour - 14) ** 2) / 18)
rentals = np.where(weekday < 5, 300 * commute, 260 * leisure) + 6 * temp - 4 * wind + rng.normal(0, 20, n)

X = np.column_stack(
    [
        np.eye(4)[season],
        np.eye(7)[weekday],
        np.sin(2 * np.pi * hour / 24),
        np.cos(2 * np.pi * hour / 24),
        np.sin(4 * np.pi * hour / 24),
        np.cos(4 * np.pi * hour / 24),
        (temp - temp.mean()) / temp.std(),
        (wind - wind.mean()) / wind.std(),
    ]
)
y = (rentals - rentals.mean()) / rentals.std()

order = rng.permutation(n)
train_idx, test_idx = order[:960], order[960:]
train_set = TensorDataset(
    torch.tensor(X[train_idx], dtype=torch.float32), torch.tensor(y[train_idx], dtype=torch.float32)
)
loader = DataLoader(train_set, batch_size=64, shuffle=True)

model = nn.Sequential(nn.Linear(X.shape[1], 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 1))
criterion = nn.MSELoss()
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)

for epoch in range(60):
    running = 0.0
    for xb, yb in loader:
        optimizer.zero_grad()
        loss = criterion(model(xb).squeeze(1), yb)
        loss.backward()
        optimizer.step()
        running += loss.item() * len(xb)
    if epoch % 10 == 0:
        print(f"epoch {epoch:3d}  mse {running / len(train_set):.4f}")

model.eval()
with torch.no_grad():
    pred = model(torch.tensor(X[test_idx], dtype=torch.float32)).numpy().ravel()
print("test R2:", round(r2_score(y[test_idx], pred), 3))
