"""Effectiveness of a counterflow heat exchanger from NTU, capacity ratio and fouling."""

import numpy as np
import torch
from sklearn.metrics import r2_score
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, random_split

torch.manual_seed(4)
rng = np.random.default_rng(4)

n = 1200
ntu = rng.uniform(0.1, 5.0, n)
ratio = rng.uniform(0.05, 0.95, n)
fouling = rng.uniform(0.0, 0.6, n)
clean = ntu / (1.0 + fouling * ntu)
ex = np.exp(-clean * (1.0 - ratio))
effectiveness = (1.0 - ex) / (1.0 - ratio * ex)

features = np.column_stack([ntu / 5.0, ratio, fouling])
dataset = TensorDataset(
    torch.tensor(features, dtype=torch.float32),
    torch.tensor(effectiveness, dtype=torch.float32),
)
train_set, test_set = random_split(dataset, [960, 240])
loader = DataLoader(train_set, batch_size=64, shuffle=True)


class Exchanger(nn.Module):
    def __init__(self, width=32):
        super().__init__()
        self.lift = nn.Linear(3, width)
        self.mix = nn.Linear(width, width)
        self.out = nn.Linear(width, 1)

    def forward(self, x):
        x = torch.tanh(self.lift(x))
        x = torch.tanh(self.mix(x))
        return self.out(x)


net = Exchanger()
optimizer = torch.optim.Adam(net.parameters(), lr=5e-3)

for epoch in range(60):
    running = 0.0
    for xb, yb in loader:
        optimizer.zero_grad()
        residual = net(xb) - yb
        loss = residual.pow(2).mean()
        loss.backward()
        optimizer.step()
        running += loss.item() * len(xb)
    if epoch % 10 == 9:
        print(f"epoch {epoch + 1:3d}  mse {running / len(train_set):.6f}")

x_test, y_test = test_set[:]
with torch.no_grad():
    guess = net(x_test).numpy().ravel()
print(f"R2 on {len(guess)} exchangers: {r2_score(y_test.numpy(), guess):.4f}")
