"""Efficiency of a centrifugal pump over flow, speed, impeller diameter and viscosity."""

import numpy as np
import torch
from sklearn.preprocessing import StandardScaler
from torch import nn

rng = np.random.default_rng(3)
torch.manual_seed(3)

n = 1400
speed = rng.uniform(1100, 2900, n)  # rpm
diameter = rng.uniform(0.18, 0.26, n)  # m
flow = rng.uniform(5, 95, n)  # m3/h
viscosity = 10 ** rng.uniform(0, 2, n)  # cSt
best_flow = 58.0 * (speed / 2000) * (diameter / 0.22) ** 3
ratio = flow / best_flow
efficiency = 81 - 55 * np.tanh(ratio - 1) ** 2 - 4.5 * np.log10(viscosity) ** 2 - 300 * (0.26 - diameter) ** 2
efficiency += rng.normal(0, 0.8, n)

x = np.column_stack([speed, diameter, flow, np.log10(viscosity)])
y = efficiency.reshape(-1, 1)
x_scaler = StandardScaler().fit(x[:1000])
y_scaler = StandardScaler().fit(y[:1000])
x_train = torch.tensor(x_scaler.transform(x[:1000]), dtype=torch.float32)
x_test = torch.tensor(x_scaler.transform(x[1000:]), dtype=torch.float32)
y_train = torch.tensor(y[:1000], dtype=torch.float32)

model = nn.Sequential(
    nn.Linear(4, 64),
    nn.Linear(64, 32),
    nn.Linear(32, 1),
)
optimizer = torch.optim.RMSprop(model.parameters(), lr=1e-3)
scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=60, gamma=0.3)

for epoch in range(150):
    total = 0.0
    for idx in torch.randperm(1000).split(50):
        optimizer.zero_grad()
        out = model(x_train[idx])
        percent = torch.tensor(y_scaler.inverse_transform(out.detach().numpy()), requires_grad=True)
        loss = ((percent - y_train[idx]) ** 2).mean()
        loss.backward()
        optimizer.step()
        total += loss.item()
    scheduler.step()
    if (epoch + 1) % 30 == 0:
        print(f"epoch {epoch + 1}: rmse {np.sqrt(total / 20):.2f} points")

with torch.no_grad():
    percent = y_scaler.inverse_transform(model(x_test).numpy())
r2 = 1 - ((percent - y[1000:]) ** 2).sum() / ((y[1000:] - y[1000:].mean()) ** 2).sum()
print(f"R2 over {len(percent)} test points: {r2:.3f}")
