import numpy as np
import torch
from sklearn.model_selection import KFold
from torch import nn


def head(q, n, d):
    shutoff = (n * d) ** 2 * 1.1e-3
    return shutoff - 0.9 * q**1.8 * np.sqrt(d) - 3.0 * np.exp(-((q - 2.0) ** 2))


rng = np.random.default_rng(77)
flow = rng.uniform(0, 5, 750)
speed = rng.uniform(20, 50, 750)
size = rng.uniform(1.0, 2.5, 750)
raw = np.column_stack([flow, speed, size])
metres = head(flow, speed, size) + rng.normal(0, 0.2, 750)


def make_net():
    return nn.Sequential(nn.Linear(3, 32), nn.Tanh(), nn.Linear(32, 32), nn.Tanh(), nn.Linear(32, 1))


def run_fold(fit_rows, test_rows, fold):
    torch.manual_seed(fold)
    mx, sx = raw[fit_rows].mean(0), raw[fit_rows].std(0)
    my, sy = metres[fit_rows].mean(), metres[fit_rows].std()
    x = torch.tensor((raw - mx) / sx, dtype=torch.float32)
    y = torch.tensor((metres - my) / sy, dtype=torch.float32).view(-1, 1)
    net = make_net()
    criterion = nn.HuberLoss()
    sgd = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9)
    for epoch in range(60):
        for rows in np.array_split(np.random.default_rng(epoch).permutation(fit_rows), 10):
            sgd.zero_grad()
            loss = criterion(net(x[rows]), y[rows])
            loss.backward()
            sgd.step()
        if fold == 0 and epoch % 15 == 0:
            print(f"  epoch {epoch:2d} loss per row {loss.item():.4f}")
    with torch.no_grad():
        pred = net(x[test_rows]).numpy()[:, 0] * sy + my
    truth = metres[test_rows]
    return 1 - np.sum((truth - pred) ** 2) / np.sum((truth - truth.mean()) ** 2)


scores = []
for fold, (fit_rows, test_rows) in enumerate(KFold(3, shuffle=True, random_state=0).split(raw)):
    scores.append(run_fold(fit_rows, test_rows, fold))
    print(f"fold {fold}: R2 {scores[-1]:.3f}")
print(f"mean R2 {np.mean(scores):.3f}")
