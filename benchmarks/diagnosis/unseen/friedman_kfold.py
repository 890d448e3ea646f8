import copy

import numpy as np
import torch
from sklearn.datasets import make_friedman1
from sklearn.model_selection import KFold
from torch import nn

torch.manual_seed(4)
X, y = make_friedman1(n_samples=1000, n_features=7, noise=1.0, random_state=4)
X = torch.tensor(X, dtype=torch.float32)
y = torch.tensor(y / 5 - 3, dtype=torch.float32).unsqueeze(1)


class Ensemble(nn.Module):
    """Two networks of different activation, averaged."""

    def __init__(self):
        super().__init__()
        self.first = nn.Sequential(nn.Linear(7, 48), nn.ReLU(), nn.Linear(48, 1))
        self.second = nn.Sequential(nn.Linear(7, 24), nn.Tanh(), nn.Linear(24, 1))

    def forward(self, x):
        return 0.5 * (self.first(x) + self.second(x))


def fit(x, t, xv, tv, max_epochs=250, patience=25):
    model = Ensemble()
    opt = torch.optim.Adam(
        [{"params": model.first.parameters(), "lr": 1e-2}, {"params": model.second.parameters(), "lr": 2e-2}]
    )
    best, keep, waited, epoch = np.inf, None, 0, 0
    while epoch < max_epochs and waited < patience:
        epoch += 1
        for rows in torch.randperm(len(x)).split(200):
            opt.zero_grad()
            nn.functional.mse_loss(model(x[rows]), t[rows]).backward()
            opt.step()
        with torch.no_grad():
            val = nn.functional.mse_loss(model(xv), tv).item()
        if val < best - 1e-5:
            best, keep, waited = val, copy.deepcopy(model.state_dict()), 0
        else:
            waited += 1
    model.load_state_dict(keep)
    return model, epoch


scores = []
for tr, te in KFold(3, shuffle=True, random_state=0).split(X):
    inner, stop = tr[:-100], tr[-100:]
    model, used = fit(X[inner], y[inner], X[stop], y[stop])
    with torch.no_grad():
        mse = nn.functional.mse_loss(model(X[te]), y[te]).item()
    scores.append(1 - mse / y[te].var(unbiased=False).item())
    print(f"{used} epochs, R2 {scores[-1]:.3f}")
print("mean R2", np.mean(scores))
