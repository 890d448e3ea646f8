"""Half-hourly net ecosystem exchange above a pine stand."""

import numpy as np
import torch
from sklearn.metrics import r2_score
from sklearn.preprocessing import StandardScaler
from torch import nn


def tower_records(n, seed):
    rng = np.random.default_rng(seed)
    hour = rng.uniform(0, 24, n)
    sun = np.clip(np.sin(np.pi * (hour - 6) / 12), 0, None) * rng.uniform(0.3, 1.0, n) * 900
    air = 12 + 8 * np.sin(np.pi * (hour - 9) / 12) + rng.normal(0, 4, n)
    vpd = np.clip(0.12 * air + rng.normal(0, 0.4, n), 0.05, None)
    soil_water = rng.uniform(0.08, 0.38, n)
    uptake = 28 * sun / (sun + 320) * np.exp(-0.25 * vpd) * np.clip(soil_water / 0.25, 0.2, 1)
    respiration = 2.4 * 2.1 ** ((air - 15) / 10)
    nee = respiration - uptake + rng.normal(0, 0.6, n)
    return np.column_stack([sun, air, vpd, soil_water]), nee.reshape(-1, 1)


class FluxNet(nn.Module):
    def __init__(self, inputs, hidden):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(inputs, hidden), nn.Tanh(), nn.Linear(hidden, hidden), nn.Tanh())
        self.head = nn.Linear(hidden, 1)

    def forward(self, x):
        return self.head(self.body(x))


class Trainer:
    def __init__(self, model, lr=4e-3, patience=40):
        self.model = model
        self.optimizer = torch.optim.Adam(model.parameters(), lr=lr)
        self.criterion = nn.MSELoss()
        self.patience = patience

    def fit(self, x, y, x_val, y_val, epochs=250, batch=128):
        best, waited = float("inf"), 0
        for epoch in range(epochs):
            self.model.train()
            for part in torch.randperm(len(x)).split(batch):
                self.optimizer.zero_grad()
                self.criterion(self.model(x[part]), y[part]).backward()
                self.optimizer.step()
            self.model.eval()
            with torch.no_grad():
                val = self.criterion(self.model(x_val), y_val).item()
            waited = 0 if val < best else waited + 1
            best = min(best, val)
            if epoch % 20 == 0:
                print(f"{epoch:4d} validation {val:.4f}")
            if waited >= self.patience:
                break


torch.manual_seed(7)
raw = [tower_records(n, seed) for n, seed in ((1500, 1), (400, 2), (500, 3))]
scale_x = StandardScaler().fit(raw[0][0])
scale_y = StandardScaler().fit(raw[0][1])
sets = [
    (torch.from_numpy(scale_x.transform(a)).float(), torch.from_numpy(scale_y.transform(b)).float()) for a, b in raw
]

trainer = Trainer(FluxNet(4, 32))
trainer.fit(*sets[0], *sets[1])
with torch.no_grad():
    predicted = scale_y.inverse_transform(trainer.model(sets[2][0]).numpy())
print(f"held-out R2: {r2_score(raw[2][1], predicted):.3f}")
