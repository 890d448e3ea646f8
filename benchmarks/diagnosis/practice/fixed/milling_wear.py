import argparse

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def get_args():
    p = argparse.ArgumentParser(description="flank wear of a milling insert")
    p.add_argument("--epochs", type=int, default=100)
    p.add_argument("--batch-size", type=int, default=64)
    p.add_argument("--accumulate", type=int, default=3)
    p.add_argument("--lr", type=float, default=0.01)
    p.add_argument("--seed", type=int, default=0)
    return p.parse_args()


def make_data(rng, n=1100):
    speed = rng.uniform(80, 260, n)
    feed = rng.uniform(0.05, 0.3, n)
    depth = rng.uniform(0.5, 3, n)
    minutes = rng.uniform(1, 40, n)
    life = 6e6 / (speed**2.3 * feed**0.5 * depth**0.2)
    u = minutes / life
    wear = 0.08 * (1 - np.exp(-6 * u)) + 0.15 * u + 0.05 * u**3
    wear = np.clip(wear, 0, 1.0) * np.exp(rng.normal(0, 0.04, n))
    x = np.column_stack([np.log(speed / 150), np.log(feed / 0.15), np.log(depth), np.log(minutes / 10)])
    return x.astype(np.float32), np.log(wear).astype(np.float32)


def accumulate_epoch(model, loader, optimizer, every):
    optimizer.zero_grad()
    total = 0.0
    for i, (xb, yb) in enumerate(loader, start=1):
        loss = nn.functional.mse_loss(model(xb)[:, 0], yb)
        (loss / every).backward()
        total += loss.item()
        if i % every == 0:
            optimizer.step()
            optimizer.zero_grad()
    return total / len(loader)


def main():
    args = get_args()
    torch.manual_seed(args.seed)
    x, y = make_data(np.random.default_rng(args.seed))
    mean, std = y[:900].mean(), y[:900].std()
    data = TensorDataset(torch.from_numpy(x[:900]), torch.from_numpy((y[:900] - mean) / std))
    loader = DataLoader(data, batch_size=args.batch_size, shuffle=True)
    model = nn.Sequential(nn.Linear(4, 32), nn.GELU(), nn.Linear(32, 32), nn.GELU(), nn.Linear(32, 1))
    optimizer = torch.optim.Adam(model.parameters(), lr=args.lr)
    for epoch in range(args.epochs):
        loss = accumulate_epoch(model, loader, optimizer, args.accumulate)
        if epoch % 20 == 0:
            print(f"epoch {epoch}: {loss:.4f}")
    with torch.no_grad():
        pred = model(torch.from_numpy(x[900:]))[:, 0].numpy() * std + mean
    ape = np.abs(np.exp(pred) - np.exp(y[900:])) / np.exp(y[900:])
    print(f"MAPE {100 * ape.mean():.1f} %")


if __name__ == "__main__":
    main()
