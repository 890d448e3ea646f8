"""Net CO2 assimilation of leaves from light, CO2, temperature, nitrogen and vapour deficit."""

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset, random_split


def leaves(n, seed=5):
    rs = np.random.RandomState(seed)
    light = rs.uniform(0, 2000, n)
    co2 = rs.uniform(200, 900, n)
    temp = rs.uniform(8, 38, n)
    nitrogen = rs.uniform(0.8, 3.0, n)
    vpd = rs.uniform(0.3, 3.5, n)
    ci = co2 * (0.85 - 0.1 * vpd)
    vmax = 28 * nitrogen / 2 * np.exp(-(((temp - 27) / 11) ** 2))
    carbon = vmax * (ci - 42) / (ci + 400)
    j = 0.05 * light * (ci - 42) / (ci + 100)
    net = carbon * j / (carbon + j + 1e-6) - 0.8 * 2 ** ((temp - 25) / 10)
    net += 0.3 * rs.randn(n)
    x = np.c_[light / 1000 - 1, co2 / 350 - 1.6, temp / 15 - 1.5, nitrogen - 1.9, vpd - 1.9]
    return torch.tensor(x).float(), torch.tensor(net).float().view(-1, 1)


class LeafNet(nn.Module):
    def __init__(self, p=0.2):
        super().__init__()
        self.fc1 = nn.Linear(5, 96)
        self.fc2 = nn.Linear(96, 96)
        self.head = nn.Linear(96, 1)
        self.drop = nn.Dropout(p)

    def forward(self, x):
        x = self.drop(F.gelu(self.fc1(x)))
        x = self.drop(F.gelu(self.fc2(x)))
        return self.head(x)


def evaluate(model, loader):
    preds, truth = [], []
    with torch.no_grad():
        for xb, yb in loader:
            preds.append(model(xb))
            truth.append(yb)
    preds, truth = torch.cat(preds), torch.cat(truth)
    return 1 - F.mse_loss(preds, truth).item() / truth.var(unbiased=False).item()


def train():
    torch.manual_seed(5)
    x, y = leaves(2000)
    y = (y - y[:1500].mean()) / y[:1500].std()
    data = TensorDataset(x, y)
    train_set, valid_set = random_split(data, [1500, 500], generator=torch.Generator().manual_seed(1))
    train_loader = DataLoader(train_set, batch_size=100, shuffle=True)
    valid_loader = DataLoader(valid_set, batch_size=250)

    model = LeafNet(p=0.5)
    opt = torch.optim.Adam(model.parameters(), lr=3e-3)
    sched = torch.optim.lr_scheduler.StepLR(opt, step_size=20, gamma=0.5)
    model.train()
    for epoch in range(60):
        for xb, yb in train_loader:
            opt.zero_grad()
            loss = F.mse_loss(model(xb), yb)
            loss.backward()
            opt.step()
        sched.step()
        if (epoch + 1) % 10 == 0:
            print(f"epoch {epoch + 1} loss {loss.item():.4f} valid R2 {evaluate(model, valid_loader):.4f}")
    print(f"final valid R2 {evaluate(model, valid_loader):.4f}")


if __name__ == "__main__":
    train()
