"""Heat rejected by a cooling tower, kW."""

import numpy as np
import torch
import torch.nn.functional as F
from sklearn.preprocessing import MinMaxScaler


class Tower(torch.nn.Module):
    def __init__(self, n_features, hidden=50):
        super().__init__()
        self.w1 = torch.nn.Parameter(torch.randn(n_features, hidden) * (2 / n_features) ** 0.5)
        self.b1 = torch.nn.Parameter(torch.zeros(hidden))
        self.w2 = torch.nn.Parameter(torch.randn(hidden, hidden) * (2 / hidden) ** 0.5)
        self.b2 = torch.nn.Parameter(torch.zeros(hidden))
        self.w3 = torch.nn.Parameter(torch.randn(hidden, 1) / hidden**0.5)
        self.b3 = torch.nn.Parameter(torch.zeros(1))

    def forward(self, x):
        h = F.leaky_relu(x @ self.w1 + self.b1, 0.05)
        h = F.leaky_relu(h @ self.w2 + self.b2, 0.05)
        return (h @ self.w3 + self.b3)[:, 0]


def tower_data(n, rng):
    water = rng.uniform(20, 80, n)  # kg/s
    air = rng.uniform(15, 60, n)
    t_in = rng.uniform(30, 42, n)
    t_wb = rng.uniform(12, 26, n)
    lg = water / air
    me = 1.6 * lg**-0.6
    eff = (1 - np.exp(-me * (1 - 0.35 * lg))) / (1 - 0.35 * lg * np.exp(-me * (1 - 0.35 * lg)))
    return np.column_stack([water, air, t_in, t_wb]), water * 4.186 * np.clip(eff, 0, 1) * (t_in - t_wb)


def train(model, x, q, epochs, lr):
    opt = torch.optim.Adam(model.parameters(), lr=lr)
    for epoch in range(epochs):
        order = torch.randperm(len(x))
        for rows in torch.split(order, 64):
            loss = F.mse_loss(model(x[rows]), q[rows])
            loss.backward()
            opt.step()
        if (epoch + 1) % 20 == 0:
            print(f"epoch {epoch + 1}: {loss.item():.4g}")


rng = np.random.default_rng(60)
torch.manual_seed(60)
x_raw, q = tower_data(1200, rng)
scaler = MinMaxScaler((-1, 1)).fit(x_raw[:960])
x = torch.tensor(scaler.transform(x_raw), dtype=torch.float32)
q = torch.tensor(q, dtype=torch.float32)
model = Tower(4)
train(model, x[:960], q[:960], epochs=80, lr=1e-3)
with torch.no_grad():
    pred = model(x[960:])
print("R2:", round(1 - (F.mse_loss(pred, q[960:]) / q[960:].var(unbiased=False)).item(), 3))
