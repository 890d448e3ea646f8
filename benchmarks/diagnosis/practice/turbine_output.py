from __future__ import annotations

import logging
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

logging.basicConfig(level=logging.INFO, format="%(message)s")
log = logging.getLogger("turbine")


@dataclass
class Config:
    n_train: int = 1600
    n_valid: int = 400
    width: int = 48
    dropout: float = 0.5
    lr: float = 3e-3
    epochs: int = 50
    batch_size: int = 64
    seed: int = 12


class TurbineDataset(Dataset):
    def __init__(self, n: int, seed: int) -> None:
        g = np.random.default_rng(seed)
        wind = g.uniform(0.5, 2.0, n)
        rho = g.uniform(0.9, 1.1, n)
        pitch = g.uniform(-1.0, 1.0, n)
        power = 1 / (1 + np.exp(-5 * (wind - 1.2))) * rho * np.cos(1.2 * pitch)
        power = (power - 0.35) / 0.28 + g.normal(0, 0.03, n)
        self.x = torch.tensor(np.column_stack([wind - 1.25, (rho - 1) * 10, pitch]), dtype=torch.float32)
        self.y = torch.tensor(power, dtype=torch.float32)

    def __len__(self) -> int:
        return len(self.x)

    def __getitem__(self, i: int):
        return self.x[i], self.y[i]


class PowerCurve(nn.Module):
    def __init__(self, cfg: Config) -> None:
        super().__init__()
        w = cfg.width
        self.stem = nn.Sequential(nn.Linear(3, w), nn.ReLU(), nn.Linear(w, w), nn.ReLU())
        self.head = nn.Sequential(nn.Dropout(cfg.dropout), nn.Linear(w, 1))

    def forward(self, x):
        return self.head(self.stem(x))


class Trainer:
    def __init__(self, cfg: Config) -> None:
        self.cfg = cfg
        torch.manual_seed(cfg.seed)
        self.model = PowerCurve(cfg)
        self.opt = torch.optim.Adam(self.model.parameters(), lr=cfg.lr)
        self.loss_fn = nn.MSELoss()

    def train_epoch(self, loader: DataLoader) -> float:
        self.model.train()
        total = 0.0
        for x, y in loader:
            self.opt.zero_grad()
            loss = self.loss_fn(self.model(x), y)
            loss.backward()
            self.opt.step()
            total += loss.item()
        return total / len(loader)

    def evaluate(self, data: TurbineDataset) -> float:
        with torch.no_grad():
            pred = self.model(data.x).flatten()
        return 1 - ((pred - data.y) ** 2).sum().item() / ((data.y - data.y.mean()) ** 2).sum().item()


if __name__ == "__main__":
    import warnings

    warnings.filterwarnings("ignore")
    cfg = Config()
    loader = DataLoader(TurbineDataset(cfg.n_train, 1), batch_size=cfg.batch_size, shuffle=True)
    valid = TurbineDataset(cfg.n_valid, 2)
    trainer = Trainer(cfg)
    for epoch in range(cfg.epochs):
        tl = trainer.train_epoch(loader)
        if epoch % 10 == 0:
            log.info("epoch %d train %.4f valid r2 %.4f", epoch, tl, trainer.evaluate(valid))
    log.info("valid r2 %.4f", trainer.evaluate(valid))
