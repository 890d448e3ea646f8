import numpy as np
import torch
from sklearn.metrics import mean_absolute_error, r2_score
from torch import nn


class Trainer:
    def __init__(self, model, lr, batch_size):
        self.model = model
        self.batch_size = batch_size
        self.optimizer = torch.optim.Adam(model.parameters(), lr=lr)
        self.criterion = nn.MSELoss()
        self.log = []

    def run_epoch(self, x, y):
        self.model.train()
        total = 0.0
        for idx in torch.randperm(len(x)).split(self.batch_size):
            self.optimizer.zero_grad()
            loss = self.criterion(self.model(x[idx]), y[idx])
            loss.backward()
            self.optimizer.step()
            total += loss.item() * len(idx)
        self.log.append(total / len(x))

    def fit(self, x, y, epochs):
        for epoch in range(epochs):
            self.run_epoch(x, y)
            if epoch % 15 == 0:
                print(f"epoch {epoch:3d}: {self.log[-1]:.4f}")

    @torch.no_grad()
    def predict(self, x):
        return torch.cat([self.model(rows) for rows in x.split(6)])


def scada(n, rng):
    wind = rng.weibull(2.0, n) * 8.5
    density = rng.normal(1.2, 0.04, n)
    yaw = rng.normal(0, 8, n)
    turbulence = rng.uniform(0.05, 0.2, n)
    cubic = 0.5 * density * 5027 * 0.42 * (wind * np.cos(np.radians(yaw))) ** 3 / 1e6
    power = 2.0 * np.tanh((cubic / 2.0) ** (1 - turbulence))
    power[wind < 3] = 0.0
    return np.column_stack([wind, density, yaw, turbulence]), power + rng.normal(0, 0.04, n)


torch.manual_seed(17)
rng = np.random.default_rng(17)
X, power = scada(1500, rng)
X = (X - X[:1200].mean(0)) / X[:1200].std(0)
X = torch.tensor(X, dtype=torch.float32)
y = torch.tensor(power / power[:1200].std(), dtype=torch.float32).reshape(-1, 1)

model = nn.Sequential(
    nn.Linear(4, 64),
    nn.BatchNorm1d(64),
    nn.ReLU(),
    nn.Linear(64, 32),
    nn.BatchNorm1d(32),
    nn.ReLU(),
    nn.Linear(32, 1),
)
trainer = Trainer(model, lr=4e-3, batch_size=64)
trainer.fit(X[:1200], y[:1200], epochs=60)

guess = trainer.predict(X[1200:]).numpy()
truth = y[1200:].numpy()
print(f"test MAE {mean_absolute_error(truth, guess):.3f}")
print(f"test R2  {r2_score(truth, guess):.3f}")
