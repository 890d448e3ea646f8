"""Dwell time of buses at stops."""

import argparse

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, random_split


def simulate(n):
    boarding = torch.randint(0, 25, (n,)).float()
    alighting = torch.randint(0, 25, (n,)).float()
    load = torch.rand(n) * 60
    doors = torch.randint(1, 4, (n,)).float()
    cash = torch.rand(n) * 0.5
    crowd = 1 + 0.6 * torch.sigmoid((load - 40) / 5)
    front = boarding * (1.8 + 4.0 * cash) * crowd
    rear = alighting * 1.4 * crowd / doors
    dwell = 4 + torch.maximum(front, rear) + 0.8 * torch.randn(n)
    return torch.stack([boarding, alighting, load, doors, cash], 1), dwell.unsqueeze(1)


def parse():
    p = argparse.ArgumentParser()
    p.add_argument("--epochs", type=int, default=100)
    p.add_argument("--batch", type=int, default=100)
    p.add_argument("--lr", type=float, default=1e-3)
    p.add_argument("--hidden", type=int, default=64)
    return p.parse_args()


def main():
    args = parse()
    torch.manual_seed(77)
    x, y = simulate(900)
    x = (x - x.mean(0)) / x.std(0)
    y = (y - y.mean()) / y.std()
    train, test = random_split(TensorDataset(x, y), [700, 200])
    model = nn.Sequential(
        nn.Linear(5, args.hidden), nn.SiLU(), nn.Linear(args.hidden, args.hidden), nn.SiLU(), nn.Linear(args.hidden, 1)
    )
    opt = torch.optim.Adam(model.parameters(), lr=args.lr)
    lossfn = nn.MSELoss()
    for epoch in range(args.epochs):
        running = 0.0
        for xb, yb in DataLoader(train, batch_size=args.batch, shuffle=True):
            opt.zero_grad()
            loss = lossfn(model(xb), yb)
            loss.backward()
            opt.step()
            running += loss.item() * len(xb)
        if epoch % 10 == 0 or epoch == args.epochs - 1:
            print(f"[{epoch + 1}/{args.epochs}] {running / len(train):.4f}")
    xt, yt = x[test.indices], y[test.indices]
    with torch.no_grad():
        r2 = 1 - (model(xt) - yt).square().sum() / (yt - yt.mean()).square().sum()
    print("R2 test", r2.item())


if __name__ == "__main__":
    main()
