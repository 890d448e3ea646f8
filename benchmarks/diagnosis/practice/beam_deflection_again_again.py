"""Tip deflection of a cantilever with rectangular section, learned from simulated load cases."""

import argparse

import torch
import torch.nn.functional as F
from torch import nn


def load_cases(n, gen):
    u = torch.rand(n, 5, generator=gen)
    force = 200 + 1800 * u[:, 0]
    length = 0.5 + 1.5 * u[:, 1]
    width = 0.03 + 0.05 * u[:, 2]
    height = 0.05 + 0.07 * u[:, 3]
    modulus = (70 + 140 * u[:, 4]) * 1e9
    inertia = width * height**3 / 12
    w_mm = 1e3 * force * length**3 / (3 * modulus * inertia)
    x = torch.stack([force, length, width, height, modulus], dim=1)
    return x, torch.log10(w_mm).unsqueeze(1)


def standardise(ref, t):
    return (t - ref.mean(0)) / ref.std(0)


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--epochs", type=int, default=60)
    ap.add_argument("--lr", type=float, default=2e-6)
    ap.add_argument("--batch", type=int, default=50)
    args = ap.parse_args()

    torch.manual_seed(11)
    gen = torch.Generator().manual_seed(4)
    x, y = load_cases(1500, gen)
    xt, yt, xv, yv = x[:1200], y[:1200], x[1200:], y[1200:]
    xv, xt = standardise(xt, xv), standardise(xt, xt)
    yv_s, yt_s = standardise(yt, yv), standardise(yt, yt)

    net = nn.Sequential(nn.Linear(5, 48), nn.Tanh(), nn.Linear(48, 48), nn.Tanh(), nn.Linear(48, 1))
    opt = torch.optim.Adam(net.parameters(), lr=args.lr)
    sched = torch.optim.lr_scheduler.CosineAnnealingLR(opt, args.epochs, eta_min=args.lr / 10)

    for epoch in range(args.epochs):
        running = 0.0
        for idx in torch.randperm(len(xt), generator=gen).split(args.batch):
            opt.zero_grad()
            loss = F.mse_loss(net(xt[idx]), yt_s[idx])
            loss.backward()
            opt.step()
            running += loss.item() * len(idx)
        sched.step()
        if (epoch + 1) % 10 == 0:
            with torch.no_grad():
                val = F.mse_loss(net(xv), yv_s).item()
            print(f"epoch {epoch + 1:3d}  train {running / len(xt):.4f}  val {val:.4f}")

    with torch.no_grad():
        res = net(xv) - yv_s
    print("R2 held out:", 1 - (res.pow(2).sum() / (yv_s - yv_s.mean()).pow(2).sum()).item())


if __name__ == "__main__":
    main()
