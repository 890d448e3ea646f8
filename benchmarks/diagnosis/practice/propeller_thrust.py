"""Static thrust of small propellers from test-bench readings."""

import numpy as np
import torch
from torch import nn

torch.manual_seed(2)
rng = np.random.default_rng(2)


def bench(n):
    rpm = rng.integers(2000, 9000, n)
    diameter = rng.uniform(0.18, 0.32, n)  # m
    pitch = rng.uniform(0.08, 0.20, n)  # m
    density = rng.uniform(1.05, 1.25, n)  # kg/m3
    coefficient = 0.05 + 0.12 * pitch / diameter - 0.05 * (pitch / diameter) ** 2
    thrust = coefficient * density * (rpm / 60.0) ** 2 * diameter**4
    thrust = thrust * (1.0 + rng.normal(0.0, 0.03, n))
    return np.column_stack([rpm // 10_000, diameter, pitch, density]).astype(np.float32), thrust.astype(np.float32)


x_train, y_train = bench(800)
x_test, y_test = bench(300)
mean, std = x_train.mean(0), x_train.std(0) + 1e-6
x_train, x_test = torch.from_numpy((x_train - mean) / std), torch.from_numpy((x_test - mean) / std)
y_mean, y_std = y_train.mean(), y_train.std()
y_train, y_test = torch.from_numpy((y_train - y_mean) / y_std), torch.from_numpy((y_test - y_mean) / y_std)

net = nn.Sequential(nn.Linear(4, 32), nn.Tanh(), nn.Linear(32, 32), nn.Tanh(), nn.Linear(32, 1), nn.Flatten(0))
criterion = nn.MSELoss(reduction="sum")
sgd = torch.optim.SGD(net.parameters(), lr=0.02, momentum=0.9)

batch = 50
for epoch in range(80):
    shuffled = torch.randperm(len(x_train))
    epoch_loss = 0.0
    for i in range(0, len(shuffled), batch):
        idx = shuffled[i : i + batch]
        sgd.zero_grad()
        loss = criterion(net(x_train[idx]), y_train[idx])
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 20.0)
        sgd.step()
        epoch_loss += loss.item()
    if epoch % 10 == 0:
        print(f"epoch {epoch:3d}  loss {epoch_loss:.4g}")

with torch.no_grad():
    error = net(x_test) - y_test
r2 = 1.0 - error.pow(2).mean() / y_test.var(unbiased=False)
print(f"rms error {error.pow(2).mean().sqrt().item() * y_std:.3f} N, R2 {r2.item():.3f}")
