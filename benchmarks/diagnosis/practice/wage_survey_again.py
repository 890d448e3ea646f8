"""Hourly wages from a survey table with categorical columns, five-fold cross-validation."""

import numpy as np
import torch
from sklearn.metrics import r2_score
from sklearn.model_selection import KFold
from torch import nn

SECTORS = ["retail", "health", "it", "building", "public"]
SECTOR_PAY = {"retail": -0.25, "health": 0.0, "it": 0.35, "building": 0.05, "public": 0.1}


def survey(n, seed):
    rng = np.random.default_rng(seed)
    sector = rng.choice(SECTORS, size=n, p=[0.3, 0.2, 0.15, 0.15, 0.2])
    schooling = rng.integers(9, 20, n)
    years = rng.uniform(0, 40, n)
    part_time = rng.random(n) < 0.25
    log_wage = 2.0 + 0.06 * (schooling - 9) + 0.035 * years - 0.0006 * years**2
    log_wage += np.array([SECTOR_PAY[s] for s in sector]) - 0.12 * part_time
    log_wage += rng.normal(0, 0.28, n)
    onehot = (sector[:, None] == np.array(SECTORS)).astype(float)
    numeric = np.column_stack([(schooling - 14) / 3, (years - 20) / 12, part_time])
    return np.hstack([onehot, numeric]).astype(np.float32), log_wage.astype(np.float32)


def fit_fold(x, y, epochs=25):
    net = nn.Sequential(nn.Linear(x.shape[1], 12), nn.ReLU(), nn.Linear(12, 1))
    opt = torch.optim.Adam(net.parameters(), lr=0.01, weight_decay=1e-3)
    sched = torch.optim.lr_scheduler.ExponentialLR(opt, gamma=0.9)
    loss_fn = nn.MSELoss()
    x, y = torch.from_numpy(x), torch.from_numpy(y)
    for _ in range(epochs):
        total = 0.0
        for idx in torch.randperm(len(x)).split(128):
            loss = loss_fn(net(x[idx]).flatten(), y[idx])
            opt.zero_grad()
            loss.backward()
            opt.step()
            total += loss.item() * len(idx)
        sched.step()
    return net, total / len(x)


def main():
    torch.manual_seed(40)
    x, y = survey(2500, seed=40)
    scores = []
    for fold, (tr, te) in enumerate(KFold(5, shuffle=True, random_state=40).split(x)):
        centre, spread = y[tr].mean(), y[tr].std()
        net, mse = fit_fold(x[tr], (y[tr] - centre) / spread)
        with torch.no_grad():
            pred = net(torch.from_numpy(x[te])).flatten().numpy() * spread + centre
        scores.append(r2_score(y[te], pred))
        print(f"fold {fold}: train mse {mse:.3f}  R2 {scores[-1]:.3f}")
    print(f"mean R2 {np.mean(scores):.3f} +- {np.std(scores):.3f}")


if __name__ == "__main__":
    main()
