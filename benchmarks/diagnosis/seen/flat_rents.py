"""Rent per square metre of flats, with embeddings for the categorical columns."""

import numpy as np
import torch
from torch import nn

DISTRICTS = ["centre", "north", "harbour", "hill", "garden", "station", "lake", "old town"]
KINDS = ["attic", "ground floor", "upper floor", "basement"]


def make_flats(n, rng):
    district = rng.integers(0, len(DISTRICTS), n)
    kind = rng.integers(0, len(KINDS), n)
    rooms = rng.integers(1, 6, n)
    age = rng.uniform(0, 1, n)  # centuries
    distance = rng.exponential(1.5, n)  # km to the next stop
    level = np.array([4.0, 1.5, 2.5, 3.0, 1.0, 0.5, 3.5, 3.2])[district]
    floor = np.array([0.6, 0.0, 0.4, -1.2])[kind]
    rent = 9 + level + floor * (1 + 0.3 * level) + 2.0 / rooms - 1.5 * np.sin(3 * age) - 0.8 * np.tanh(distance)
    numbers = np.column_stack([rooms, age, distance]).astype(np.float32)
    return np.column_stack([district, kind]), numbers, (rent + rng.normal(0, 0.5, n)).astype(np.float32)


class RentModel(nn.Module):
    def __init__(self):
        super().__init__()
        self.district = nn.Embedding(len(DISTRICTS), 4)
        self.kind = nn.Embedding(len(KINDS), 2)
        self.mlp = nn.Sequential(nn.Linear(9, 48), nn.ReLU(), nn.Linear(48, 24), nn.ReLU(), nn.Linear(24, 1))

    def forward(self, codes, numbers):
        parts = [self.district(codes[:, 0]), self.kind(codes[:, 1]), numbers]
        return self.mlp(torch.cat(parts, dim=1)).flatten()


torch.manual_seed(28)
rng = np.random.default_rng(28)
codes, numbers, rent = (torch.from_numpy(a) for a in make_flats(3600, rng))
model = RentModel()
optimizer = torch.optim.Adam(model.parameters(), lr=4e-3)

for epoch in range(50):
    epoch_loss = 0.0
    for idx in torch.randperm(len(rent)).split(64):
        optimizer.zero_grad()
        loss = nn.functional.mse_loss(model(codes[idx], numbers[idx]), rent[idx])
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 10.0)
        optimizer.step()
        epoch_loss += loss.item() * len(idx)
    if epoch % 10 == 9:
        print(f"epoch {epoch + 1} rmse {(epoch_loss / len(rent)) ** 0.5:.3f}")

with torch.no_grad():
    fit = model(codes, numbers)
print(f"R2 {1 - ((fit - rent) ** 2).mean().item() / rent.var().item():.3f}")
