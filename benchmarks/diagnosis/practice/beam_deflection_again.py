from __future__ import annotations

from dataclasses import dataclass
from typing import Iterator

import torch
from torch import Tensor, nn


@dataclass
class Config:
    micro_batch: int = 16
    accumulate: int = 4
    lr: float = 1e-4
    epochs: int = 60
    seed: int = 23


def deflection(x: Tensor) -> Tensor:
    load, span, inertia = x.unbind(1)
    return load * span**3 / (3.0 * inertia)


def batches(n: int, size: int) -> Iterator[Tensor]:
    yield from torch.randperm(n).split(size)


class Regressor(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.f = nn.Sequential(nn.Linear(3, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 1))

    def forward(self, x: Tensor) -> Tensor:
        return self.f(x).squeeze(-1)


class Trainer:
    def __init__(self, cfg: Config) -> None:
        self.cfg = cfg
        self.model = Regressor()
        self.opt = torch.optim.SGD(self.model.parameters(), lr=cfg.lr, momentum=0.9)
        self.loss = nn.MSELoss(reduction="sum")

    def fit(self, x: Tensor, y: Tensor) -> None:
        for epoch in range(self.cfg.epochs):
            running = 0.0
            self.opt.zero_grad()
            for k, idx in enumerate(batches(len(x), self.cfg.micro_batch), start=1):
                loss = self.loss(self.model(x[idx]), y[idx])
                loss.backward()
                running += loss.item()
                if k % self.cfg.accumulate == 0:
                    self.opt.step()
                    self.opt.zero_grad()
            if epoch % 10 == 0:
                print(f"epoch {epoch} loss {running:.3f}")


def main() -> None:
    cfg = Config()
    torch.manual_seed(cfg.seed)
    x = torch.rand(2048, 3) + 0.5
    y = deflection(x)
    trainer = Trainer(cfg)
    trainer.fit(x[:1600], y[:1600])
    with torch.no_grad():
        p = trainer.model(x[1600:])
    t = y[1600:]
    print(f"R2 {1 - ((p - t) ** 2).sum() / ((t - t.mean()) ** 2).sum():.4f}")


if __name__ == "__main__":
    main()
