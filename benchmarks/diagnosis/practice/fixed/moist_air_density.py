"""Density anomaly of moist air from station pressure (Pa), temperature (K) and vapour pressure (Pa)."""

import torch
from torch import nn

torch.manual_seed(21)
N_TRAIN, N_TEST = 1024, 256


def stations(n):
    pressure = 101325.0 + 650.0 * torch.randn(n)
    temperature = 288.0 + 7.0 * torch.randn(n)
    vapour = 250.0 + 1200.0 * torch.rand(n)
    density = (pressure - vapour) / (287.05 * temperature) + vapour / (461.5 * temperature)
    return torch.stack([pressure, temperature, vapour], 1), density.unsqueeze(1)


class Regressor(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(3, 32),
            nn.BatchNorm1d(32),
            nn.ReLU(),
            nn.Linear(32, 16),
            nn.ReLU(),
            nn.Linear(16, 1),
        )

    def forward(self, x):
        return self.layers(x)


x_train, rho_train = stations(N_TRAIN)
x_test, rho_test = stations(N_TEST)
centre, spread = x_train.mean(0), x_train.std(0)
x_train, x_test = (x_train - centre) / spread, (x_test - centre) / spread
mid, scale = rho_train.mean(), rho_train.std()
y_train, y_test = (rho_train - mid) / scale, (rho_test - mid) / scale

model = Regressor()
criterion = nn.MSELoss()
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)


def epoch_loss():
    model.train()
    total = 0.0
    for rows in torch.randperm(N_TRAIN).split(64):
        optimizer.zero_grad()
        loss = criterion(model(x_train[rows]), y_train[rows])
        loss.backward()
        optimizer.step()
        total += loss.item() * len(rows)
    return total / N_TRAIN


def validate():
    model.eval()
    with torch.no_grad():
        return criterion(model(x_test), y_test).item()


for epoch in range(60):
    train_mse = epoch_loss()
    if epoch % 10 == 9:
        print(f"epoch {epoch + 1}: train {train_mse:.4f}  test {validate():.4f}")

print(f"test R2 {1 - validate() / y_test.var(unbiased=False).item():.3f}")
