"""Sound pressure of the low modes of a rectangular room, learned from microphone positions."""

import argparse
import math

import torch
import torch.nn.functional as F


def pressure(pos):
    x, y = pos[:, 0], pos[:, 1]
    first = torch.cos(2 * math.pi * x) * torch.cos(math.pi * y)
    second = 0.6 * torch.cos(math.pi * x) * torch.cos(2 * math.pi * y + 0.3)
    return (first + second).unsqueeze(1)


def build(hidden):
    return torch.nn.Sequential(
        torch.nn.Linear(2, hidden),
        torch.nn.Tanh(),
        torch.nn.Linear(hidden, 1),
    )


def r2(pred, true):
    return 1.0 - ((pred - true) ** 2).sum().item() / ((true - true.mean()) ** 2).sum().item()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--hidden", type=int, default=64)
    parser.add_argument("--steps", type=int, default=2500)
    parser.add_argument("--lr", type=float, default=1e-2)
    args = parser.parse_args()

    torch.manual_seed(0)
    mics = torch.rand(700, 2) * 2.0 - 1.0
    level = pressure(mics) + 0.02 * torch.randn(700, 1)
    grid = torch.rand(400, 2) * 2.0 - 1.0
    truth = pressure(grid)

    net = build(args.hidden)
    opt = torch.optim.Adam(net.parameters(), lr=args.lr)
    sched = torch.optim.lr_scheduler.CosineAnnealingLR(opt, T_max=args.steps)
    for step in range(1, args.steps + 1):
        opt.zero_grad()
        loss = F.mse_loss(net(mics), level)
        loss.backward()
        opt.step()
        sched.step()
        if step % 500 == 0:
            with torch.no_grad():
                print(f"{step:5d}  train {loss.item():.5f}  R2 elsewhere in the room {r2(net(grid), truth):.3f}")


if __name__ == "__main__":
    main()
