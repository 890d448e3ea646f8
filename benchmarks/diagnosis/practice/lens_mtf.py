"""Contrast (MTF) of a defocused lens at a spatial frequency."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import nn


@dataclass
class Config:
    rows: int = 1500
    epochs: int = 60
    batch: int = 75
    lr: float = 3e-3
    seed: int = 15


def build(cfg):
    torch.manual_seed(cfg.seed)
    return nn.Sequential(nn.Linear(4, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 1))


def mtf(f_number, lam_nm, freq, defocus):
    cutoff = 1e6 / (lam_nm * f_number)
    s = np.clip(freq / cutoff, 0, 1)
    diff = 2 / np.pi * (np.arccos(s) - s * np.sqrt(1 - s**2))
    arg = np.pi * defocus / 1000 * freq / f_number * (1 - s)
    return diff * np.sinc(0.8 * arg / np.pi)


def load(cfg):
    rng = np.random.default_rng(cfg.seed)
    f_number = rng.uniform(2, 11, cfg.rows)
    lam_nm = rng.integers(420, 700, cfg.rows)
    freq = rng.uniform(5, 120, cfg.rows)
    defocus = rng.integers(-120, 120, cfg.rows)
    y = mtf(f_number, lam_nm, freq, defocus)
    microns = lam_nm / 1000
    x = np.stack([f_number / 6.5 - 1, microns - 0.56, freq // 200, defocus / 70], axis=1)
    return torch.from_numpy(x).float(), torch.from_numpy(y).float().unsqueeze(1)


class Experiment:
    def __init__(self, cfg):
        self.cfg = cfg
        self.net = build(cfg)
        self.opt = torch.optim.Adam(self.net.parameters(), lr=cfg.lr)
        x, y = load(cfg)
        n = int(0.8 * len(x))
        self.y_mean, self.y_std = y[:n].mean(), y[:n].std()
        y = (y - self.y_mean) / self.y_std
        self.train, self.test = (x[:n], y[:n]), (x[n:], y[n:])
        self.curve = []

    def reset(self):
        self.net = build(self.cfg)
        self.curve.clear()

    def epoch(self):
        x, y = self.train
        total = 0.0
        for rows in torch.randperm(len(x)).split(self.cfg.batch):
            self.opt.zero_grad()
            loss = (self.net(x[rows]) - y[rows]).square().mean()
            loss.backward()
            self.opt.step()
            total += float(loss.detach()) * len(rows)
        self.curve.append(total / len(x))

    def r2(self):
        x, y = self.test
        with torch.no_grad():
            return 1 - ((self.net(x) - y).square().sum() / (y - y.mean()).square().sum()).item()


exp = Experiment(Config())
exp.reset()
for e in range(exp.cfg.epochs):
    exp.epoch()
    if e % 15 == 14:
        print(f"epoch {e + 1}: train {exp.curve[-1]:.4f}")
print(f"test R2 {exp.r2():.3f}")
