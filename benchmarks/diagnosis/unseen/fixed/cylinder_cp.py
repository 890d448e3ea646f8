import argparse

import torch
from torch import nn


def surface_pressure(theta, spin, noise, gen):
    """Pressure coefficient on a (slowly spinning) cylinder in potential flow."""
    v = 2 * torch.sin(theta) + spin
    return 1 - v**2 + noise * torch.randn(theta.shape, generator=gen)


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--epochs", type=int, default=600)
    ap.add_argument("--lr", type=float, default=0.01)
    ap.add_argument("--hidden", type=int, default=32)
    ap.add_argument("--seed", type=int, default=5)
    args = ap.parse_args()

    torch.manual_seed(args.seed)
    gen = torch.Generator().manual_seed(args.seed)
    theta = 2 * torch.pi * torch.rand(700, generator=gen)
    spin = 0.6 * torch.rand(700, generator=gen)
    cp = surface_pressure(theta, spin, 0.03, gen).reshape(-1, 1)
    x = torch.stack([torch.cos(theta), torch.sin(theta), spin], 1)
    xt, xv, ct, cv = x[:500], x[500:], cp[:500], cp[500:]

    net = nn.Sequential(
        nn.Linear(3, args.hidden),
        nn.Tanh(),
        nn.Linear(args.hidden, args.hidden),
        nn.Tanh(),
        nn.Linear(args.hidden, 1),
    )
    opt = torch.optim.Adam(net.parameters(), lr=args.lr)
    sched = torch.optim.lr_scheduler.CosineAnnealingLR(opt, T_max=args.epochs)
    mse = nn.MSELoss()
    for ep in range(1, args.epochs + 1):
        opt.zero_grad()
        loss = mse(net(xt), ct)
        loss.backward()
        opt.step()
        sched.step()
        if ep % 100 == 0:
            with torch.no_grad():
                print(f"{ep:5d} train {loss.item():.4f} valid {mse(net(xv), cv).item():.4f}")
    with torch.no_grad():
        res = mse(net(xv), cv)
    print("R2 =", (1 - res / cv.var(unbiased=False)).item())


if __name__ == "__main__":
    main()
