"""Reverberation time of shoebox rooms (Eyring) learned from dimensions and absorption."""

import math

import torch
from torch import nn
from torch.optim.lr_scheduler import ExponentialLR
from torch.utils.data import DataLoader, TensorDataset, random_split


def eyring(dims, alpha):
    lx, ly, lz = dims.T
    volume = lx * ly * lz
    floor, walls = lx * ly, 2 * lz * (lx + ly)
    surface = 2 * floor + walls
    mean_alpha = (floor * (alpha[:, 0] + alpha[:, 2]) + walls * alpha[:, 1]) / surface
    return 0.161 * volume / (-surface * torch.log(1 - mean_alpha))


def make_data(n=1400):
    lo, hi = torch.tensor([3.0, 3.0, 2.4]), torch.tensor([15.0, 12.0, 6.0])
    dims = lo + (hi - lo) * torch.rand(n, 3)
    alpha = 0.05 + 0.55 * torch.rand(n, 3)
    t60 = torch.log(eyring(dims, alpha)) + 0.02 * torch.randn(n)
    x = torch.cat([(dims - lo) / (hi - lo), (alpha - 0.05) / 0.55], dim=1) * 2 - 1
    return x, ((t60 - t60.mean()) / t60.std()).unsqueeze(1)


def evaluate(net, subset):
    xs, ys = map(torch.stack, zip(*subset, strict=True))
    net.eval()
    with torch.no_grad():
        return 1 - (nn.functional.mse_loss(net(xs), ys) / ys.var()).item()


def run():
    torch.manual_seed(77)
    data = TensorDataset(*make_data())
    train_set, test_set = random_split(data, [1100, 300])
    loader = DataLoader(train_set, batch_size=44, shuffle=True)
    net = nn.Sequential(nn.Linear(6, 32), nn.GELU(), nn.Linear(32, 32), nn.GELU(), nn.Linear(32, 1))
    opt = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.8, nesterov=True)
    scheduler = ExponentialLR(opt, gamma=0.92)
    for epoch in range(50):
        net.train()
        total = 0.0
        for xb, yb in loader:
            loss = nn.functional.mse_loss(net(xb), yb)
            opt.zero_grad()
            loss.backward()
            opt.step()
            total += loss.item() / len(loader)
        scheduler.step()
        if epoch % 10 == 0 or epoch == 49:
            print(f"epoch {epoch:2d}   rmse {math.sqrt(total):.4f}   test R2 {evaluate(net, test_set):.4f}")


run()
