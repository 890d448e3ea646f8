"""Virtual potential temperature anomaly from pressure, temperature and dew point."""

import numpy as np
import torch
import torch.nn.functional as F


def soundings(n, rng):
    pressure = rng.uniform(60_000, 103_000, n)
    temp = 288.15 - 0.0009 * (101_325 - pressure) + rng.normal(0, 6, n)
    dew = temp - rng.gamma(2.0, 3.0, n)
    vapour = 611.2 * np.exp(17.67 * (dew - 273.15) / (dew - 29.65))
    mixing = 0.622 * vapour / (pressure - vapour)
    theta = temp * (100_000 / pressure) ** 0.2857 * (1 + 0.61 * mixing)
    theta += 4 * np.sin((temp - dew) / 4)
    return np.column_stack([pressure, temp, dew]), theta + rng.normal(0, 0.5, n)


class Standardizer:
    def fit(self, values):
        self.mean = values.mean(axis=0)
        self.std = values.std(axis=0)
        return self

    def __call__(self, values):
        return (values - self.mean) / self.std


class ThetaNet(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.l1 = torch.nn.Linear(3, 40)
        self.l2 = torch.nn.Linear(40, 40)
        self.l3 = torch.nn.Linear(40, 1)

    def forward(self, x):
        x = torch.tanh(self.l1(x))
        x = torch.tanh(self.l2(x))
        return self.l3(x)[:, 0]


torch.manual_seed(3)
rng = np.random.default_rng(3)
values, theta = soundings(2400, rng)
x_scale, y_scale = Standardizer().fit(values[:1800]), Standardizer().fit(theta[:1800])
scaled = x_scale(values)
train_x = torch.tensor(values[:1800], dtype=torch.float32)
test_x = torch.tensor(values[1800:], dtype=torch.float32)
train_y = torch.tensor(y_scale(theta[:1800]), dtype=torch.float32)

model = ThetaNet()
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)


def train_batch(idx):
    loss = F.mse_loss(model(train_x[idx]), train_y[idx])
    loss.backward()
    optimizer.step()
    return loss.item()


for epoch in range(60):
    losses = [train_batch(idx) for idx in torch.randperm(1800).split(60)]
    if epoch % 12 == 0:
        print(f"epoch {epoch} loss {np.mean(losses):.4f}")

with torch.no_grad():
    pred = model(test_x).numpy() * y_scale.std + y_scale.mean
rss = ((pred - theta[1800:]) ** 2).sum()
print("R2", 1 - rss / ((theta[1800:] - theta[1800:].mean()) ** 2).sum())
