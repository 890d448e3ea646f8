"""Cross-validated strength model for concrete mixes."""

import copy

import numpy as np
import torch
from sklearn.model_selection import KFold
from torch import nn


def make_mixes(n, rng):
    cement = rng.uniform(200, 500, n)
    water = rng.uniform(140, 220, n)
    age = rng.choice([3, 7, 14, 28, 56, 90], n)
    additive = rng.integers(0, 3, n)
    gain = np.array([1.0, 1.15, 0.85])[additive]
    strength = 96 / 8.2 ** (water / cement) * gain * np.log1p(age) / np.log(29)
    onehot = np.eye(3)[additive]
    return np.column_stack([cement, water, np.log(age), onehot]), strength + rng.normal(0, 1.5, n)


class Mlp(nn.Module):
    def __init__(self, d_in, width=32):
        super().__init__()
        self.fc1 = nn.Linear(d_in, width)
        self.fc2 = nn.Linear(width, width)
        self.out = nn.Linear(width, 1)

    def forward(self, x):
        h = torch.relu(self.fc1(x))
        h = torch.relu(self.fc2(h))
        return self.out(h).squeeze(-1)


torch.manual_seed(5)
rng = np.random.default_rng(5)
features, strength = make_mixes(900, rng)

template = Mlp(features.shape[1])
scores = []
for fold, (tr, te) in enumerate(KFold(4, shuffle=True, random_state=0).split(features)):
    mu, sd = features[tr].mean(0), features[tr].std(0)
    ym, ys = strength[tr].mean(), strength[tr].std()
    xtr = torch.from_numpy((features[tr] - mu) / sd).float()
    xte = torch.from_numpy((features[te] - mu) / sd).float()
    ytr = torch.from_numpy((strength[tr] - ym) / ys).float()
    optimiser = torch.optim.Adam(template.parameters(), lr=5e-3)
    model = copy.deepcopy(template)
    for epoch in range(60):
        order = torch.randperm(len(xtr))
        for start in range(0, len(order), 64):
            batch = order[start : start + 64]
            loss = ((model(xtr[batch]) - ytr[batch]) ** 2).mean()
            model.zero_grad()
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
        if epoch % 20 == 19:
            print(f"fold {fold} epoch {epoch + 1} loss {loss.item():.4f}")
    with torch.no_grad():
        pred = model(xte).numpy() * ys + ym
    sse = np.sum((strength[te] - pred) ** 2)
    scores.append(1 - sse / np.sum((strength[te] - strength[te].mean()) ** 2))

print("R2 per fold:", np.round(scores, 3), "mean", round(float(np.mean(scores)), 3))
