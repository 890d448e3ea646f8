"""Initial rate of an enzyme with a competitive inhibitor and a pH optimum."""

import numpy as np
import torch
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
from torch import nn


class RateModel(nn.Module):
    def __init__(self, n_in, hidden=(64, 32)):
        super().__init__()
        self.fc1 = nn.Linear(n_in, hidden[0])
        self.fc2 = nn.Linear(hidden[0], hidden[1])
        self.out = nn.Linear(hidden[1], 1)
        self.act = nn.GELU()

    def forward(self, x):
        x = self.act(self.fc1(x))
        x = self.act(self.fc2(x))
        return self.out(x)


def assay(n, rng):
    substrate = rng.uniform(0.05, 10, n)
    inhibitor = rng.uniform(0, 5, n)
    ph = rng.uniform(4.5, 9.5, n)
    temp = rng.uniform(15, 60, n)
    km = 1.2 * (1 + inhibitor / 0.8)
    bell = 1 / (1 + 10 ** (6.2 - ph) + 10 ** (ph - 7.8))
    heat = np.exp(-(((temp - 37) / 11) ** 2))
    rate = 10 * substrate / (km + substrate) * bell * heat
    return np.column_stack([substrate, inhibitor, ph, temp]), rate + rng.normal(0, 0.05, n)


rng = np.random.default_rng(31)
torch.manual_seed(31)
X, y = assay(1500, rng)
Xa, Xb, ya, yb = train_test_split(X, y, test_size=0.25, random_state=0)
sx, sy = StandardScaler().fit(Xa), StandardScaler().fit(ya[:, None])
xa = torch.tensor(sx.transform(Xa), dtype=torch.float32)
xb = torch.tensor(sx.transform(Xb), dtype=torch.float32)
ta = torch.tensor(sy.transform(ya[:, None]), dtype=torch.float32)
tb = torch.tensor(sy.transform(yb[:, None]), dtype=torch.float32)

model = RateModel(4)
optimizer = torch.optim.Adam(model.parameters(), lr=4e-3)
criterion = nn.MSELoss()
for epoch in range(80):
    for rows in torch.randperm(len(xa)).split(75):
        optimizer.zero_grad()
        loss = criterion(model(xa[rows]), ta[rows])
        loss.backward()
        optimizer.step()
    if epoch % 20 == 0:
        with torch.no_grad():
            print(epoch, "train", criterion(model(xa), ta).item(), "test", criterion(model(xb), tb).item())
with torch.no_grad():
    print("R2", 1 - (criterion(model(xb), tb) / tb.var(unbiased=False)).item())
