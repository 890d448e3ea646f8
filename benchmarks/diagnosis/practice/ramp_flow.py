"""Merging capacity at motorway on-ramps, from counts of the main line and geometry."""

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def make_table(n, seed):
    rng = np.random.default_rng(seed)
    main = rng.uniform(400, 2000, n)
    lanes = rng.integers(2, 5, n)
    length = rng.uniform(80, 350, n)
    heavy = rng.uniform(0.0, 0.3, n)
    gap = np.exp(-main / 3600 * 3.2)
    cap = 1500 * gap * (1 + 0.15 * lanes) * (1 - np.exp(-length / 120)) / (1 + 1.5 * heavy)
    cap += rng.normal(0, 15, n)
    x = np.column_stack([main, lanes, length, heavy])
    return x.astype(np.float32), cap.astype(np.float32)


class Trainer:
    def __init__(self, model, lr=3e-3, epochs=60):
        self.model = model
        self.epochs = epochs
        self.opt = torch.optim.Adam(model.parameters(), lr=lr)
        self.history = []

    def loss(self, x, y):
        return ((self.model(x) - y) ** 2).mean()

    def fit(self, loader):
        for epoch in range(self.epochs):
            total = 0.0
            for xb, yb in loader:
                self.opt.zero_grad()
                loss = self.loss(xb, yb)
                self.opt.step()
                total += loss.item()
            self.history.append(total / len(loader))
            if epoch % 15 == 0:
                print("epoch", epoch, "loss", self.history[-1])
        return self


torch.manual_seed(0)
x, y = make_table(1000, 5)
x = (x - x.mean(0)) / x.std(0)
y = (y - y.mean()) / y.std()
train = TensorDataset(torch.from_numpy(x[:800]), torch.from_numpy(y[:800]))
net = nn.Sequential(nn.Linear(4, 40), nn.ReLU(), nn.Linear(40, 40), nn.ReLU(), nn.Linear(40, 1))
Trainer(net).fit(DataLoader(train, batch_size=32, shuffle=True))

with torch.no_grad():
    out = net(torch.from_numpy(x[800:])).numpy().ravel()
yt = y[800:]
print("test R2:", 1 - np.sum((yt - out) ** 2) / np.sum((yt - yt.mean()) ** 2))
