"""Density of moist air from temperature, pressure and relative humidity."""

import numpy as np
import torch
from sklearn.metrics import r2_score
from torch import nn


def moist_air_density(temp_k, pressure_pa, rel_hum):
    t_c = temp_k - 273.15
    p_sat = 611.2 * np.exp(17.62 * t_c / (243.12 + t_c))
    p_v = rel_hum * p_sat
    return (pressure_pa - p_v) / (287.05 * temp_k) + p_v / (461.5 * temp_k)


class AirNet(nn.Module):
    def __init__(self, width=32):
        super().__init__()
        self.lin1 = nn.Linear(3, width)
        self.bn1 = nn.BatchNorm1d(width)
        self.lin2 = nn.Linear(width, width)
        self.bn2 = nn.BatchNorm1d(width)
        self.out = nn.Linear(width, 1)

    def forward(self, x):
        x = torch.relu(self.bn1(self.lin1(x)))
        x = torch.relu(self.bn2(self.lin2(x)))
        return self.out(x).squeeze(1)


def main():
    torch.manual_seed(5)
    rng = np.random.default_rng(5)
    n = 2000
    temp = rng.uniform(288.0, 303.0, n)
    pressure = rng.normal(101325.0, 700.0, n)
    humidity = rng.uniform(0.1, 0.95, n)
    rho = moist_air_density(temp, pressure, humidity)
    inputs = np.column_stack([temp, pressure, humidity])
    x = torch.tensor(inputs, dtype=torch.float32)
    y = torch.tensor((rho - rho.mean()) / rho.std(), dtype=torch.float32)
    x_train, y_train, x_val, y_val = x[:1600], y[:1600], x[1600:], y[1600:]

    model = AirNet()
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    loss_fn = nn.MSELoss()
    for epoch in range(1, 41):
        model.train()
        for idx in torch.randperm(1600).split(64):
            optimizer.zero_grad()
            loss = loss_fn(model(x_train[idx]), y_train[idx])
            loss.backward()
            optimizer.step()
        if epoch % 5 == 0:
            model.eval()
            with torch.no_grad():
                val = loss_fn(model(x_val), y_val).item()
            print(f"epoch {epoch:2d} train {loss.item():.4f} val {val:.4f}")

    model.eval()
    with torch.no_grad():
        print("R2", r2_score(y_val.numpy(), model(x_val).numpy()))


if __name__ == "__main__":
    main()
