"""Daily reference evaporation from weather station readings."""

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset


class StationDays(Dataset):
    def __init__(self, n, seed):
        rng = np.random.default_rng(seed)
        temp = rng.normal(16, 6, n)
        sun = rng.uniform(2, 28, n)  # MJ/m2
        wind = rng.gamma(3.0, 0.8, n)
        humidity = rng.uniform(0.3, 0.95, n)
        rain = np.where(rng.random(n) < 0.35, rng.exponential(6.0, n), 0.0)  # mm
        es = 0.6108 * np.exp(17.27 * temp / (temp + 237.3))
        slope = 4098 * es / (temp + 237.3) ** 2
        evap = 0.408 * slope * 0.6 * sun + 0.066 * 900 / (temp + 273) * wind * es * (1 - humidity)
        evap = evap / (slope + 0.066 * (1 + 0.34 * wind)) * np.exp(-0.02 * rain) + rng.normal(0, 0.1, n)
        columns = [temp, sun, wind, humidity, np.log(rain)]
        x = np.stack(columns, axis=1)
        self.x = torch.tensor((x - x.mean(axis=0)) / x.std(axis=0), dtype=torch.float32)
        self.y = torch.tensor((evap - evap.mean()) / evap.std(), dtype=torch.float32)

    def __len__(self):
        return len(self.x)

    def __getitem__(self, i):
        return self.x[i], self.y[i]


class EvapNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(5, 32), nn.ReLU(), nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 1))

    def forward(self, x):
        return self.net(x)


def main():
    np.seterr(all="ignore")
    torch.manual_seed(1)
    train_days, test_days = StationDays(1000, seed=1), StationDays(300, seed=2)
    loader = DataLoader(train_days, batch_size=50, shuffle=True)
    model = EvapNet()
    optimizer = torch.optim.RMSprop(model.parameters(), lr=1e-3)

    for epoch in range(1, 31):
        epoch_loss = 0.0
        for x, y in loader:
            optimizer.zero_grad()
            loss = (model(x) - y).pow(2).mean()
            loss.backward()
            optimizer.step()
            epoch_loss += loss.item()
        if epoch % 5 == 0:
            print(f"epoch {epoch:2d}: {epoch_loss / len(loader):.4f}")

    with torch.no_grad():
        pred = model(test_days.x).squeeze(1)
    y = test_days.y
    r2 = 1 - torch.sum((y - pred) ** 2) / torch.sum((y - y.mean()) ** 2)
    print(f"R2 {r2.item():.3f}")


if __name__ == "__main__":
    main()
