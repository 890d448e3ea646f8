"""Five-fold estimate of how well annual heating demand can be predicted from a building survey."""

import numpy as np
import torch
from sklearn.metrics import r2_score
from sklearn.model_selection import KFold
from torch import nn

SEED = 5
rng = np.random.default_rng(SEED)
torch.manual_seed(SEED)


def survey(n):
    area = rng.uniform(50, 260, n)
    u_wall = rng.uniform(0.15, 1.6, n)
    glazing = rng.uniform(0.1, 0.5, n)
    degree_days = rng.uniform(1800, 3800, n)
    heat_pump = rng.integers(0, 2, n)
    losses = area**0.7 * (u_wall * (1 - glazing) + 1.8 * glazing) * degree_days * 0.024
    demand = losses / np.where(heat_pump == 1, 3.1, 0.92)
    demand *= np.exp(rng.normal(0, 0.05, n))
    return np.column_stack([area, u_wall, glazing, degree_days, heat_pump]), np.log(demand)


def build():
    return nn.Sequential(nn.Linear(5, 32), nn.SiLU(), nn.Linear(32, 32), nn.SiLU(), nn.Linear(32, 1))


X, y = survey(800)
model = build()
optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3, weight_decay=1e-4)
scores = []

for fold, (fit, held) in enumerate(KFold(5, shuffle=True, random_state=SEED).split(X)):
    mu, sd = X[fit].mean(0), X[fit].std(0)
    t_mu, t_sd = y[fit].mean(), y[fit].std()
    xf = torch.tensor((X[fit] - mu) / sd, dtype=torch.float32)
    xh = torch.tensor((X[held] - mu) / sd, dtype=torch.float32)
    yf = torch.tensor((y[fit] - t_mu) / t_sd, dtype=torch.float32).unsqueeze(1)

    model = build()
    for _ in range(250):
        optimizer.zero_grad()
        loss = (model(xf) - yf).square().mean()
        loss.backward()
        optimizer.step()

    with torch.no_grad():
        pred = model(xh).squeeze(1).numpy() * t_sd + t_mu
    scores.append(r2_score(y[held], pred))
    print(f"fold {fold}: final loss {loss.item():.4f}, R2 {scores[-1]:.3f}")

print(f"mean R2 over folds: {np.mean(scores):.3f} +/- {np.std(scores):.3f}")
