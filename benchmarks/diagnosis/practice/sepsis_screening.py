"""Screening for sepsis from vital signs (synthetic ward data)."""

import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset, random_split

torch.manual_seed(101)


def ward(n):
    hr = torch.normal(88.0, 18.0, (n,))
    temp = torch.normal(37.3, 0.9, (n,))
    rr = torch.normal(18.0, 4.5, (n,))
    sbp = torch.normal(122.0, 18.0, (n,))
    lactate = torch.distributions.Gamma(3.0, 2.0).sample((n,))
    z = 0.05 * (hr - 90) + 1.2 * (temp - 37.2).abs() + 0.15 * (rr - 18) - 0.05 * (sbp - 120) + 1.3 * (lactate - 1.5)
    z = 1.6 * (z - 0.9)
    label = torch.bernoulli(torch.sigmoid(z))
    x = torch.stack([hr, temp, rr, sbp, lactate], dim=1)
    return (x - x.mean(0)) / x.std(0), label.view(-1, 1)


class Trainer:
    def __init__(self, model, lr=1e-3):
        self.model = model
        self.criterion = nn.CrossEntropyLoss()
        self.optimizer = torch.optim.AdamW(model.parameters(), lr=lr)
        self.history = {"loss": [], "acc": []}

    def run_epoch(self, loader):
        self.model.train()
        total, count = 0.0, 0
        for xb, yb in loader:
            self.optimizer.zero_grad()
            loss = self.criterion(self.model(xb), yb)
            loss.backward()
            self.optimizer.step()
            total += loss.item() * len(xb)
            count += len(xb)
        return total / count

    @torch.no_grad()
    def accuracy(self, loader):
        self.model.eval()
        hits = [((self.model(xb) > 0).float() == yb).float() for xb, yb in loader]
        return torch.cat(hits).mean().item()

    def fit(self, train, val, epochs):
        for e in range(epochs):
            self.history["loss"].append(self.run_epoch(train))
            self.history["acc"].append(self.accuracy(val))
            if e % 5 == 4:
                print(f"[{e + 1}/{epochs}] loss={self.history['loss'][-1]:.4f} acc={self.history['acc'][-1]:.3f}")
        return self.history


dataset = TensorDataset(*ward(2000))
train_part, val_part = random_split(dataset, [1600, 400])
trainer = Trainer(nn.Sequential(nn.Linear(5, 32), nn.ReLU(), nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 1)), lr=3e-3)
hist = trainer.fit(DataLoader(train_part, 64, shuffle=True), DataLoader(val_part, 400), epochs=20)
print("validation accuracy:", round(hist["acc"][-1], 3))
