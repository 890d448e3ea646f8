"""Range, peak height and time of flight of a kicked ball with drag."""

import numpy as np
import torch
from torch import nn


def kick(speed, angle, wind, rho):
    dt = 0.02
    v = np.stack([speed * np.cos(angle), speed * np.sin(angle)])
    pos = np.zeros_like(v)
    top = np.zeros_like(speed)
    time = np.zeros_like(speed)
    up = np.ones_like(speed, dtype=bool)
    for _ in range(400):
        rel = v - np.stack([wind, np.zeros_like(wind)])
        acc = -0.5 * rho * 0.25 * 0.038 / 0.43 * np.linalg.norm(rel, axis=0) * rel
        acc[1] -= 9.81
        v = np.where(up, v + acc * dt, v)
        pos = np.where(up, pos + v * dt, pos)
        top = np.maximum(top, pos[1])
        time = np.where(up, time + dt, time)
        up &= pos[1] > 0
    return np.stack([pos[0], top, time], 1)


class Ball(nn.Module):
    def __init__(self, latent=4):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(4, latent), nn.Tanh(), nn.Linear(latent, latent), nn.Tanh())
        self.decoder = nn.Sequential(nn.Linear(latent, 64), nn.ReLU(), nn.Linear(64, 3))

    def forward(self, x):
        return self.decoder(self.encoder(x))


def standardise(a, ref):
    return (a - ref.mean(0)) / ref.std(0)


def main():
    rng = np.random.default_rng(4)
    torch.manual_seed(4)
    n = 1200
    speed, angle = rng.uniform(8, 32, n), rng.uniform(0.15, 1.35, n)
    wind, rho = rng.uniform(-8, 8, n), rng.uniform(1.0, 1.3, n)
    x = np.stack([speed, angle, wind, rho], 1)
    y = kick(speed, angle, wind, rho)
    cut = 900
    xs = torch.tensor(standardise(x, x[:cut])).float()
    ys = torch.tensor(standardise(y, y[:cut])).float()

    net = Ball()
    opt = torch.optim.Adam([p for p in net.parameters() if p.requires_grad], lr=5e-3)
    sched = torch.optim.lr_scheduler.CosineAnnealingLR(opt, T_max=100)
    for epoch in range(100):
        for rows in np.array_split(rng.permutation(cut), 14):
            opt.zero_grad()
            loss = nn.functional.mse_loss(net(xs[rows]), ys[rows])
            loss.backward()
            opt.step()
        sched.step()
        if epoch % 25 == 24:
            print(f"{epoch + 1}: {loss.item():.4f}")
    with torch.no_grad():
        e = (net(xs[cut:]) - ys[cut:]).pow(2).mean(0)
    r2 = 1 - e / ys[cut:].var(0)
    for name, v in zip(("range", "height", "time"), r2.tolist(), strict=True):
        print(f"R2 {name}: {v:.3f}")
    print(f"mean R2: {r2.mean().item():.3f}")


if __name__ == "__main__":
    main()
