import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(11)
rng = np.random.default_rng(11)

DISTRICTS = ["centre", "harbour", "north", "hills", "industrial"]
PREMIUM = np.array([6.5, 4.0, 1.0, 3.2, -1.5])


def make_table(n):
    area = rng.uniform(25, 140, n)
    year = rng.integers(1900, 2020, n)
    floor = rng.integers(0, 9, n)
    district = rng.integers(0, len(DISTRICTS), n)
    rent = 9 + PREMIUM[district] + 60 / area + 2.5 * ((year - 1960) / 60) ** 2 + 0.15 * floor
    rent += rng.normal(0, 0.5, n)
    onehot = np.eye(len(DISTRICTS))[district]
    numeric = np.column_stack([area, year, floor])
    return numeric, onehot, rent


numeric, onehot, rent = make_table(1200)
n_train = 900
mu, sd = numeric[:n_train].mean(0), numeric[:n_train].std(0)
X = np.hstack([(numeric - mu) / sd, onehot])
y = (rent - rent[:n_train].mean()) / rent[:n_train].std()

X = torch.tensor(X, dtype=torch.float32)
y = torch.tensor(y, dtype=torch.float32)
loader = DataLoader(TensorDataset(X[:n_train], y[:n_train]), batch_size=50, shuffle=True)


class RentModel(nn.Module):
    def __init__(self, n_in, n_hidden=32):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(n_in, n_hidden), nn.ReLU(), nn.Linear(n_hidden, n_hidden), nn.ReLU())
        self.out = nn.Linear(n_hidden, 1)

    def forward(self, x):
        return self.out(self.body(x))


model = RentModel(X.shape[1])
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)

for epoch in range(60):
    total = 0.0
    for xb, yb in loader:
        pred = model(xb)
        loss = ((pred - yb) ** 2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item()
    if epoch % 10 == 9:
        print(f"epoch {epoch + 1:3d}  train loss {total / len(loader):.4f}")

model.eval()
with torch.no_grad():
    p = model(X[n_train:]).numpy().ravel()
t = y[n_train:].numpy()
print("R2 on the held-out flats:", 1 - ((t - p) ** 2).sum() / ((t - t.mean()) ** 2).sum())
