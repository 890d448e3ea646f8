import math

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, random_split


class FatigueDataset(TensorDataset):
    def __init__(self, n=1200, seed=31):
        g = torch.Generator().manual_seed(seed)
        u = torch.rand(n, 4, generator=g)
        diameter = 20 + 40 * u[:, 0]
        moment = 100 + 500 * u[:, 1]
        notch = 1 + 1.5 * u[:, 2]
        roughness = 0.5 + 6 * u[:, 3]
        stress = 32e3 * moment * notch / (math.pi * diameter**3)
        limit = 300 * (1 - 0.12 * torch.log(roughness))
        log_life = 6 - 5 * torch.log10(stress / limit) + 0.1 * torch.randn(n, generator=g)
        super().__init__((u - 0.5) * math.sqrt(12), ((log_life - log_life.mean()) / log_life.std())[:, None])


class LifeModel(nn.Module):
    def __init__(self, width=20, p=0.5):
        super().__init__()
        self.first = nn.Linear(4, width)
        self.second = nn.Linear(width, width)
        self.drop = nn.Dropout(p)
        self.last = nn.Linear(width, 1)

    def forward(self, x):
        x = self.drop(F.gelu(self.first(x)))
        x = self.drop(F.gelu(self.second(x)))
        return self.last(x)


def main():
    torch.manual_seed(31)
    train, test = random_split(FatigueDataset(), [900, 300])
    model = LifeModel()
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    epochs = 60
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs)
    for epoch in range(epochs):
        model.train()
        for xb, yb in DataLoader(train, batch_size=60, shuffle=True):
            optimizer.zero_grad()
            loss = F.mse_loss(model(xb), yb)
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 5.0)
            optimizer.step()
        scheduler.step()
        if epoch % 15 == 14:
            print(f"epoch {epoch + 1:3d} last batch {loss.item():.4f}")

    model.eval()
    squared, targets = 0.0, []
    with torch.no_grad():
        for xb, yb in DataLoader(test, batch_size=100):
            squared += F.mse_loss(model(xb), yb, reduction="sum").item()
            targets.append(yb)
    targets = torch.cat(targets)
    print("held-out R2 =", round(1 - squared / (targets - targets.mean()).square().sum().item(), 4))


main()
