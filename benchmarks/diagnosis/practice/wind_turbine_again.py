"""Electrical output of a pitch-controlled wind turbine from the weather at the hub."""

import numpy as np
import torch
from torch import nn


def weather(n, rng):
    speed = rng.uniform(4.0, 14.0, n)
    celsius = rng.uniform(-20.0, 40.0, n)
    pressure = rng.uniform(84.0, 104.0, n)
    turbulence = rng.uniform(0.02, 0.25, n)
    pitch = rng.uniform(0.0, 12.0, n)
    return speed, celsius, pressure, turbulence, pitch


def power_mw(speed, celsius, pressure, turbulence, pitch, rng):
    density = pressure * 1000.0 / (287.05 * (celsius + 273.15))
    cp = 0.46 * np.cos(np.radians(6.5 * pitch)) * (1.0 - 0.6 * turbulence)
    wind = 0.5 * density * np.pi * 50.0**2 * cp * speed**3 * (1.0 + 3.0 * turbulence**2) / 1e6
    return 4.0 * np.tanh(wind / 4.0) + rng.normal(0, 0.02, len(speed))


def columns(speed, celsius, pressure, turbulence, pitch):
    return np.column_stack(
        [
            (speed - 9.0) / 3.0,
            (celsius - 10.0) / 17.0,
            (pressure - 94.0) / 6.0,
            (turbulence - 0.13) / 0.07,
            np.clip(pitch, -1.0, 0.0),
        ]
    )


def build():
    return nn.Sequential(nn.Linear(5, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 1))


def fit(model, x, y, epochs=60, batch=50, lr=5.0):
    optimizer = torch.optim.SGD(model.parameters(), lr=lr, momentum=0.9)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=40, gamma=0.2)
    for epoch in range(epochs):
        for rows in torch.randperm(len(x)).split(batch):
            loss = nn.functional.mse_loss(model(x[rows]), y[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        scheduler.step()
        if epoch % 12 == 0:
            print(f"epoch {epoch:2d}  loss {loss.item():.4g}")


def main():
    rng = np.random.default_rng(30)
    torch.manual_seed(30)
    site = weather(1500, rng)
    x = torch.tensor(columns(*site), dtype=torch.float32)
    y = torch.tensor(power_mw(*site, rng), dtype=torch.float32).reshape(-1, 1)
    y = (y - y.mean()) / y.std()
    model = build()
    fit(model, x[:1200], y[:1200])
    with torch.no_grad():
        error = (model(x[1200:]) - y[1200:]).pow(2).sum()
    r2 = 1.0 - error / (y[1200:] - y[1200:].mean()).pow(2).sum()
    print(f"R2 on the last 300 hours: {r2.item():.3f}")


if __name__ == "__main__":
    main()
