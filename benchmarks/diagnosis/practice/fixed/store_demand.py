"""Weekly demand of a small chain of stores; the few hundred records are topped up by resampling."""

import numpy as np
import torch
from sklearn.model_selection import train_test_split
from sklearn.utils import resample
from torch import nn


class DemandModel(nn.Module):
    def __init__(self, n_stores, n_numeric):
        super().__init__()
        self.embed = nn.Embedding(n_stores, 6)
        self.body = nn.Sequential(
            nn.Linear(6 + n_numeric, 128), nn.ReLU(), nn.Linear(128, 64), nn.ReLU(), nn.Linear(64, 1)
        )

    def forward(self, store, numeric):
        return self.body(torch.cat([self.embed(store), numeric], dim=1)).squeeze(1)


def records(n, rng):
    store = rng.integers(0, 12, n)
    price = rng.normal(0, 1, n)
    promo = rng.integers(0, 2, n)
    temperature = rng.normal(0, 1, n)
    rivals = rng.normal(0, 1, n)
    level = rng.normal(0, 0.7, 12)[store]
    demand = level - 0.6 * price + 0.8 * promo * (price < 0) + 0.3 * temperature + rng.normal(0, 0.6, n)
    numeric = np.column_stack([price, promo, temperature, rivals])
    return store, numeric, demand


def tensors(store, numeric, demand):
    return torch.tensor(store), torch.tensor(numeric).float(), torch.tensor(demand).float()


def score(model, store, numeric, demand):
    model.eval()
    with torch.no_grad():
        error = (model(store, numeric) - demand).square().sum()
    model.train()
    return 1.0 - (error / (demand - demand.mean()).square().sum()).item()


torch.manual_seed(2)
rng = np.random.default_rng(2)
store, numeric, demand = records(400, rng)
parts = train_test_split(store, numeric, demand, test_size=0.25, random_state=0)
train = resample(*parts[0::2], n_samples=1200, random_state=0)
train, test = tensors(*train), tensors(*parts[1::2])

model = DemandModel(12, numeric.shape[1])
optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=1e-4)
for epoch in range(1, 61):
    for rows in torch.randperm(len(train[2])).split(64):
        optimizer.zero_grad()
        loss = nn.functional.mse_loss(model(train[0][rows], train[1][rows]), train[2][rows])
        loss.backward()
        optimizer.step()
    if epoch % 20 == 0:
        print(f"epoch {epoch:3d}  train loss {loss.item():.4f}  test R2 {score(model, *test):.3f}")
print(f"test R2: {score(model, *test):.3f}")
