"""Dissolved oxygen in a lake from probe readings, with a small trainer class."""

import numpy as np
import torch
from sklearn.metrics import r2_score
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def probe_readings(n, rng):
    temp = rng.uniform(2.0, 28.0, n)  # degrees C
    depth = rng.uniform(0.0, 30.0, n)  # m
    chlorophyll = rng.gamma(2.0, 4.0, n)  # microgram per litre
    saturation = 14.6 - 0.394 * temp + 0.0077 * temp**2 - 0.000065 * temp**3
    mixing = 1.0 / (1.0 + np.exp((depth - 12.0) / 2.0))
    oxygen = saturation * (0.45 + 0.55 * mixing) + 0.12 * chlorophyll * mixing - 0.05 * chlorophyll * (1 - mixing)
    return np.column_stack([temp, depth, chlorophyll]), oxygen + rng.normal(0.0, 0.2, n)


class OxygenNet(nn.Module):
    def __init__(self, width=32, blocks=6):
        super().__init__()
        layers = [nn.BatchNorm1d(3)]
        size = 3
        for _ in range(blocks):
            layers += [nn.Linear(size, width), nn.BatchNorm1d(width), nn.Sigmoid()]
            size = width
        self.body = nn.Sequential(*layers)
        self.out = nn.Linear(size, 1)

    def forward(self, x):
        return self.out(self.body(x)).squeeze(1)


class Trainer:
    def __init__(self, model, train_set, val_set, lr=5e-2):
        self.model = model
        self.loader = DataLoader(train_set, batch_size=64, shuffle=True)
        self.val_x, self.val_y = val_set.tensors
        self.optimizer = torch.optim.SGD(model.parameters(), lr=lr, momentum=0.9)
        self.loss = nn.MSELoss()

    @torch.no_grad()
    def validate(self):
        self.model.eval()
        return r2_score(self.val_y.numpy(), self.model(self.val_x).numpy())

    def fit(self, epochs):
        self.model.train()
        print(f"before training: R2 {self.validate():.3f}")
        for epoch in range(1, epochs + 1):
            for x, y in self.loader:
                self.optimizer.zero_grad()
                self.loss(self.model(x), y).backward()
                self.optimizer.step()
            if epoch % 10 == 0:
                print(f"epoch {epoch}: R2 {self.validate():.3f}")


if __name__ == "__main__":
    torch.manual_seed(21)
    gen = np.random.default_rng(21)
    sets = []
    for size in (1200, 400):
        readings, oxygen = probe_readings(size, gen)
        target = (oxygen - 8.0) / 3.0
        sets.append(TensorDataset(torch.tensor(readings).float(), torch.tensor(target).float()))
    trainer = Trainer(OxygenNet(), *sets)
    trainer.fit(30)
    print(f"final R2 {trainer.validate():.3f}")
