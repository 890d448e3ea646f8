"""Heat duty of a counter-flow heat exchanger (effectiveness-NTU method)."""

import numpy as np
import torch
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
from torch import nn, optim
from torch.utils.data import DataLoader, TensorDataset

SEED = 11
CP = 4180.0  # J/(kg K)


def duty(t_hot, t_cold, m_hot, m_cold, ua):
    c_hot, c_cold = m_hot * CP, m_cold * CP
    c_min, c_max = np.minimum(c_hot, c_cold), np.maximum(c_hot, c_cold)
    ratio = np.clip(c_min / c_max, 0, 0.999)
    ntu = ua / c_min
    e = np.exp(-ntu * (1 - ratio))
    return (1 - e) / (1 - ratio * e) * c_min * (t_hot - t_cold)


class DutyModel(nn.Module):
    def __init__(self, n_in, n_hidden):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(n_in, n_hidden), nn.Tanh(), nn.Linear(n_hidden, n_hidden), nn.Tanh())
        self.head = nn.Linear(n_hidden, 1)

    def forward(self, x):
        return self.head(self.body(x)).squeeze(-1)


torch.manual_seed(SEED)
rng = np.random.default_rng(SEED)
n = 1500
X = np.column_stack(
    [
        rng.uniform(60, 95, n),
        rng.uniform(5, 30, n),
        rng.uniform(0.2, 2.0, n),
        rng.uniform(0.2, 2.0, n),
        rng.uniform(500, 6000, n),
    ]
)
q = duty(*X.T) + rng.normal(0, 1500, n)

X_train, X_test, q_train, q_test = train_test_split(X, q, test_size=0.2, random_state=SEED)
scaler = StandardScaler().fit(X_train)
X_train = torch.tensor(scaler.transform(X_train), dtype=torch.float32)
X_test = torch.tensor(scaler.transform(X_test), dtype=torch.float32)
q_train = torch.tensor(q_train, dtype=torch.float32)
q_test = torch.tensor(q_test, dtype=torch.float32)

loader = DataLoader(TensorDataset(X_train, q_train), batch_size=32, shuffle=True)
model = DutyModel(5, 48)
optimizer = optim.Adam(model.parameters(), lr=2e-3)
loss_fn = nn.MSELoss()

for epoch in range(50):
    for xb, qb in loader:
        optimizer.zero_grad()
        loss = loss_fn(model(xb), qb)
        loss.backward()
        optimizer.step()
    if (epoch + 1) % 10 == 0:
        print(f"epoch {epoch + 1}: batch loss {loss.item():.4g}")

with torch.no_grad():
    pred = model(X_test)
r2 = 1 - ((pred - q_test) ** 2).sum() / ((q_test - q_test.mean()) ** 2).sum()
print(f"R2 = {r2.item():.3f}")
