import argparse

import numpy as np
import torch
from sklearn.metrics import r2_score
from torch import nn

SECTORS = 6


def survey(n, rng):
    school = rng.integers(8, 20, n)
    tenure = rng.uniform(0, 40, n)
    female = rng.integers(0, 2, n)
    sector = rng.integers(0, SECTORS, n)
    effect = np.linspace(-0.35, 0.35, SECTORS)
    log_wage = 1.2 + 0.085 * school + 0.04 * tenure - 0.0007 * tenure**2 - 0.12 * female + effect[sector]
    log_wage = log_wage + rng.normal(0, 0.33, n)
    return np.column_stack([school, tenure, female]), sector, log_wage


class WageNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(SECTORS, 3)
        self.mlp = nn.Sequential(nn.Linear(6, 32), nn.ReLU(), nn.Dropout(0.1), nn.Linear(32, 1))

    def forward(self, num, cat):
        return self.mlp(torch.cat([num, self.embed(cat)], dim=1)).flatten()


def main():
    cli = argparse.ArgumentParser()
    cli.add_argument("--epochs", type=int, default=40)
    cli.add_argument("--lr", type=float, default=5e-3)
    opts = cli.parse_args()
    rng = np.random.default_rng(2024)
    torch.manual_seed(2024)
    num, cat, y = survey(3000, rng)
    num = torch.tensor((num - num.mean(0)) / num.std(0), dtype=torch.float32)
    cat = torch.tensor(cat)
    target = torch.tensor((y - y.mean()) / y.std(), dtype=torch.float32)
    tr, te = torch.arange(2400), torch.arange(2400, 3000)

    model = WageNet()
    opt = torch.optim.Adam(model.parameters(), lr=opts.lr, weight_decay=1e-4)
    for epoch in range(opts.epochs):
        model.train()
        for rows in tr[torch.randperm(len(tr))].split(120):
            loss = nn.functional.mse_loss(model(num[rows], cat[rows]), target[rows])
            opt.zero_grad()
            loss.backward()
            opt.step()
        model.eval()
        with torch.no_grad():
            val = nn.functional.mse_loss(model(num[te], cat[te]), target[te]).item()
        if epoch % 8 == 0:
            print(f"epoch {epoch:2d} batch {loss.item():.3f} test {val:.3f}")
    with torch.no_grad():
        print("R2 log wage:", round(r2_score(target[te].numpy(), model(num[te], cat[te]).numpy()), 4))


if __name__ == "__main__":
    main()
