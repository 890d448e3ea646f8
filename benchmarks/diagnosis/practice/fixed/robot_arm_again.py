from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset


@dataclass(frozen=True)
class ModelConfig:
    in_features: int = 3
    out_features: int = 2
    hidden: tuple[int, ...] = (16, 16, 16)


@dataclass(frozen=True)
class TrainConfig:
    lr: float = 5e-3
    batch_size: int = 100
    epochs: int = 60
    seed: int = 5
    model: ModelConfig = field(default_factory=ModelConfig)


class ArmModel(nn.Module):
    def __init__(self, cfg: ModelConfig) -> None:
        super().__init__()
        widths = (cfg.in_features, *cfg.hidden)
        self.layers = nn.ModuleList(nn.Linear(a, b) for a, b in zip(widths[:-1], widths[1:]))
        self.act = nn.Tanh()
        self.head = nn.Linear(widths[-1], cfg.out_features)

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.layers:
            x = self.act(layer(x))
        return self.head(x)


class Trainer:
    def __init__(self, cfg: TrainConfig) -> None:
        self.cfg = cfg
        self.model = ArmModel(cfg.model)
        self.optimizer = torch.optim.Adam(self.model.parameters(), lr=cfg.lr)
        self.criterion = nn.MSELoss()

    def fit(self, loader: DataLoader) -> None:
        for epoch in range(1, self.cfg.epochs + 1):
            running = 0.0
            for x, y in loader:
                self.optimizer.zero_grad()
                loss = self.criterion(self.model(x), y)
                loss.backward()
                self.optimizer.step()
                running += loss.item()
            if epoch % 20 == 0:
                print(f"[{epoch:03d}] loss={running / len(loader):.5f}")

    @torch.no_grad()
    def score(self, x: Tensor, y: Tensor) -> float:
        err = ((self.model(x) - y) ** 2).sum()
        return 1.0 - float(err / ((y - y.mean(0)) ** 2).sum())


def forward_kinematics(q: Tensor) -> Tensor:
    a = q.cumsum(1)
    return torch.stack([a.cos().sum(1), a.sin().sum(1)], dim=1)


def main() -> None:
    cfg = TrainConfig()
    torch.manual_seed(cfg.seed)
    q = torch.rand(2500, 3) * 3.6 - 1.8
    p = forward_kinematics(q)
    loader = DataLoader(TensorDataset(q[:2000], p[:2000]), batch_size=cfg.batch_size, shuffle=True)
    trainer = Trainer(cfg)
    trainer.fit(loader)
    print(f"held-out R2 = {trainer.score(q[2000:], p[2000:]):.4f}")


if __name__ == "__main__":
    main()
