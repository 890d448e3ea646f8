import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, random_split

ACCUMULATE = 4
MICRO_BATCH = 16


class FlowNet(nn.Module):
    def __init__(self, n_in, width=64):
        super().__init__()
        self.stem = nn.Linear(n_in, width)
        self.residual = nn.Linear(width, width)
        self.out = nn.Linear(width, 1)

    def forward(self, x):
        h = torch.relu(self.stem(x))
        h = h + torch.relu(self.residual(h))
        return self.out(h).squeeze(1)


def detector_data(n=1500):
    rng = np.random.default_rng(61)
    density = rng.uniform(2, 110, n)  # veh/km
    lanes = rng.integers(1, 4, n)
    rain = rng.random(n) < 0.25
    trucks = rng.uniform(0, 0.35, n)
    free = (95 + 8 * lanes) * np.where(rain, 0.85, 1.0) * (1 - 0.3 * trucks)
    speed = free * np.exp(-0.5 * (density / 38.0) ** 1.6)
    flow = density * speed + rng.normal(0, 70, n)
    x = np.column_stack([(density - 56) / 31, lanes == 1, lanes == 2, lanes == 3, rain, (trucks - 0.175) / 0.1])
    return TensorDataset(torch.tensor(x, dtype=torch.float32), torch.tensor(flow / 1000, dtype=torch.float32))


def r2(model, subset):
    x, y = subset[:]
    model.eval()
    with torch.no_grad():
        return (1 - ((y - model(x)) ** 2).sum() / ((y - y.mean()) ** 2).sum()).item()


torch.manual_seed(61)
train, test = random_split(detector_data(), [1200, 300])
loader = DataLoader(train, batch_size=MICRO_BATCH, shuffle=True, drop_last=True)
model = FlowNet(6)
optimizer = torch.optim.AdamW(model.parameters(), lr=4e-3)
scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=60)

for epoch in range(60):
    model.train()
    optimizer.zero_grad()
    running = 0.0
    for i, (x, y) in enumerate(loader, start=1):
        loss = nn.functional.mse_loss(model(x), y) / ACCUMULATE
        loss.backward()
        running += loss.item() * ACCUMULATE
        if i % ACCUMULATE == 0 or i == len(loader):
            optimizer.step()
            optimizer.zero_grad()
    scheduler.step()
    if epoch % 12 == 0:
        print(f"epoch {epoch:2d}  loss {running / len(loader):.4f}  R2 {r2(model, test):.3f}")

print(f"test R2 {r2(model, test):.3f}")
