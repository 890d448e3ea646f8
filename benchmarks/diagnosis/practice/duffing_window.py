"""One-step forecast of a forced Duffing oscillator from a window of past positions."""

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Subset, TensorDataset

EPOCHS = 2
WINDOW = 12
AHEAD = 6


def simulate(steps=9000, dt=0.05):
    x, v = 0.5, 0.0
    out = []
    for k in range(steps):
        a = -0.3 * v + x - x**3 + 0.5 * np.cos(1.2 * k * dt)
        v += dt * a
        x += dt * v
        out.append(x)
    return np.array(out[::3], dtype=np.float32)


class Forecaster:
    def __init__(self, train_set, val_set):
        self.net = nn.Sequential(
            nn.Linear(WINDOW, 64), nn.GELU(), nn.Linear(64, 64), nn.GELU(), nn.Linear(64, 1), nn.Flatten(0)
        )
        self.opt = torch.optim.AdamW(self.net.parameters(), lr=1e-3, weight_decay=1e-4)
        self.loss_fn = nn.SmoothL1Loss()
        self.train_loader = DataLoader(train_set, batch_size=128, shuffle=True)
        self.val_loader = DataLoader(val_set, batch_size=256)

    def fit(self, epochs):
        for ep in range(epochs):
            self.net.train()
            for xb, yb in self.train_loader:
                self.opt.zero_grad(set_to_none=True)
                loss = self.loss_fn(self.net(xb), yb)
                loss.backward()
                self.opt.step()
            print(f"[{ep + 1}/{epochs}] last batch {loss.item():.4f} val R2 {self.score():.3f}")
        return self

    @torch.no_grad()
    def score(self):
        self.net.eval()
        pairs = [(self.net(xb), yb) for xb, yb in self.val_loader]
        p = torch.cat([a for a, _ in pairs])
        t = torch.cat([b for _, b in pairs])
        return 1 - ((p - t) ** 2).mean().item() / t.var(unbiased=False).item()


torch.manual_seed(1)
series = torch.from_numpy(simulate())
windows = series.unfold(0, WINDOW + AHEAD, 1)
data = TensorDataset(windows[:, :WINDOW].contiguous(), windows[:, -1].contiguous())
split = int(len(data) * 0.7)
fc = Forecaster(Subset(data, range(split)), Subset(data, range(split + WINDOW + AHEAD, len(data))))
fc.fit(EPOCHS)
print("final R2", round(fc.score(), 4))
