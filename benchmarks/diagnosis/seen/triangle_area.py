"""Area of a triangle from its three side lengths, k-fold cross-validation."""

import numpy as np
import torch
from sklearn.metrics import r2_score
from sklearn.model_selection import KFold
from torch import nn


def sample_triangles(n, rng):
    corners = rng.uniform(0, 1, (n, 3, 2))
    pairs = [(0, 1), (0, 2), (1, 2)]
    sides = np.stack([np.linalg.norm(corners[:, i] - corners[:, j], axis=1) for i, j in pairs], axis=1)
    area = np.abs(np.linalg.det(corners[:, 1:] - corners[:, :1])) / 2
    return sides, area


def fit_fold(x_train, y_train, epochs=40):
    model = nn.Sequential(nn.Linear(3, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 1))
    opt = torch.optim.Adam(model.parameters(), lr=3e-3)
    sched = torch.optim.lr_scheduler.OneCycleLR(opt, max_lr=1e-2, total_steps=epochs * (len(x_train) // 64))
    model.train()
    for _ in range(epochs):
        order = torch.randperm(len(x_train))
        for k in range(len(x_train) // 64):
            idx = order[k * 64 : (k + 1) * 64]
            pred = model(x_train[idx]).squeeze()
            loss = nn.functional.mse_loss(pred, y_train[idx])
            opt.zero_grad()
            loss.backward()
            opt.step()
            sched.step()
    return model, loss.item()


torch.manual_seed(18)
sides, area = sample_triangles(2500, np.random.default_rng(18))
X = torch.tensor((sides - sides.mean(0)) / sides.std(0), dtype=torch.float32)
y = torch.tensor(area / area.std(), dtype=torch.float32)

results = []
for fold, (tr, va) in enumerate(KFold(n_splits=3, shuffle=True, random_state=18).split(X)):
    model, last_loss = fit_fold(X[tr], y[tr])
    model.eval()
    with torch.no_grad():
        r2 = r2_score(y[va].numpy(), model(X[va]).squeeze().numpy())
    results.append(r2)
    print(f"fold {fold + 1}: last batch loss {last_loss:.4f}, R2 {r2:.3f}")
print(f"cross-validated R2 {np.mean(results):.3f}")
