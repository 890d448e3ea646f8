"""Expected score margin in a board game from the ratings of both players."""

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def load_games(n, seed):
    rng = np.random.default_rng(seed)
    white = rng.normal(1650, 280, n)
    black = white + rng.normal(0, 220, n)
    minutes = rng.choice([3, 5, 10, 30, 90], n).astype(float)
    games_today = rng.integers(0, 12, n)
    edge = white - black + 35 - 6 * np.clip(games_today - 6, 0, None)
    margin = 40 * np.tanh(edge / (250 + 60 * np.log(90 / minutes))) + rng.normal(0, 3, n)
    return np.column_stack([white, black, minutes, games_today]).astype(np.float32), margin.astype(np.float32)


class MarginNet(nn.Module):
    def __init__(self, width=16):
        super().__init__()
        self.norm = nn.BatchNorm1d(4)
        self.layers = nn.Sequential(
            nn.Linear(4, width), nn.Tanh(), nn.Linear(width, width), nn.Tanh(), nn.Linear(width, 1)
        )

    def forward(self, x):
        return 10 * self.layers(self.norm(x)).squeeze(1)


class Trainer:
    def __init__(self, model, train_set, valid_set):
        self.model = model
        self.loader = DataLoader(train_set, batch_size=64, shuffle=True, drop_last=True)
        self.valid_set = valid_set
        self.optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
        self.history = []

    @torch.no_grad()
    def validate(self):
        self.model.eval()
        x, y = self.valid_set.tensors
        self.history.append(nn.functional.l1_loss(self.model(x), y).item())
        return self.history[-1]

    def fit(self, epochs):
        self.model.train()
        print(f"before training: mae {self.validate():.2f}")
        for epoch in range(epochs):
            self.model.train()
            for x, y in self.loader:
                self.optimizer.zero_grad()
                nn.functional.smooth_l1_loss(self.model(x), y).backward()
                self.optimizer.step()
            mae = self.validate()
            if epoch % 5 == 4:
                print(f"epoch {epoch + 1}: mae {mae:.2f}")


if __name__ == "__main__":
    torch.manual_seed(1)
    games, margins = load_games(3000, seed=6)
    x, y = torch.from_numpy(games), torch.from_numpy(margins)
    trainer = Trainer(MarginNet(), TensorDataset(x[:2400], y[:2400]), TensorDataset(x[2400:], y[2400:]))
    trainer.fit(15)
    print(f"final validation mae {trainer.validate():.2f} points")
