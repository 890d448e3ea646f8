"""Weekly sales of a grocery item from price, promotion, season and store type."""

import numpy as np
import torch
from sklearn.metrics import r2_score
from torch import nn

STORES = ("corner", "market", "hyper")


class DemandNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.store = nn.Embedding(len(STORES), 3)
        self.body = nn.Sequential(nn.Linear(4 + 3, 24), nn.ReLU(), nn.Linear(24, 12), nn.ReLU(), nn.Linear(12, 1))

    def forward(self, numbers, store):
        return self.body(torch.cat([numbers, self.store(store)], dim=1)).squeeze(1)


def weeks(n, rng):
    price = rng.uniform(0.8, 2.2, n)
    promo = (rng.random(n) < 0.25).astype(float)
    week = rng.integers(0, 52, n)
    store = rng.integers(0, 3, n)
    size = np.array([-0.6, 0.1, 0.7])[store]
    log_sales = size - 1.4 * np.log(price) + 0.6 * promo * (price < 1.6) + 0.3 * np.sin(2 * np.pi * week / 52)
    log_sales = log_sales + rng.normal(0.0, 0.62, n)
    season = 2 * np.pi * week / 52
    numbers = np.column_stack([price, promo, np.sin(season), np.cos(season)])
    return (
        torch.tensor(numbers, dtype=torch.float32),
        torch.tensor(store),
        torch.tensor(log_sales, dtype=torch.float32),
    )


torch.manual_seed(6)
rng = np.random.default_rng(6)
numbers, store, sales = weeks(4000, rng)
numbers_test, store_test, sales_test = weeks(1000, rng)

net = DemandNet()
optimizer = torch.optim.SGD(net.parameters(), lr=4e-4, momentum=0.9)
criterion = nn.MSELoss(reduction="sum")

for epoch in range(30):
    total = 0.0
    for idx in torch.randperm(len(sales)).split(100):
        optimizer.zero_grad()
        loss = criterion(net(numbers[idx], store[idx]), sales[idx])
        loss.backward()
        optimizer.step()
        total += loss.item()
    if epoch % 5 == 4:
        print(f"epoch {epoch + 1}: loss per row {total / len(sales):.4f}")

net.eval()
with torch.no_grad():
    score = r2_score(sales_test.numpy(), net(numbers_test, store_test).numpy())
print(f"R2 in other weeks {score:.3f}")
