"""Cross-validated network for the apparent temperature (Steadman)."""

import numpy as np
import torch
import torch.nn as nn
from sklearn.metrics import r2_score
from sklearn.model_selection import KFold

torch.manual_seed(42)
rng = np.random.default_rng(42)


def build_model():
    return nn.Sequential(nn.Linear(3, 24), nn.ReLU(), nn.Linear(24, 24), nn.ReLU(), nn.Linear(24, 1))


n = 900
air = rng.normal(18, 8, n)
rh = rng.beta(4, 2, n)
wind = rng.gamma(2.0, 2.0, n)
vapour = rh * 6.105 * np.exp(17.27 * air / (237.7 + air))
felt = air + 0.33 * vapour - 0.70 * wind - 4.0 + rng.normal(0, 0.5, n)

X = np.column_stack([air, rh, wind])
X = (X - X.mean(0)) / X.std(0)
y = (felt - felt.mean()) / felt.std()
X = torch.from_numpy(X).float()
y = torch.from_numpy(y).float().view(-1, 1)

model = build_model()
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
criterion = nn.MSELoss()

scores = []
for fold, (train_idx, val_idx) in enumerate(KFold(5, shuffle=True, random_state=0).split(X)):
    model = build_model()
    X_train, y_train = X[train_idx], y[train_idx]
    for _epoch in range(40):
        for batch in torch.randperm(len(X_train)).split(60):
            optimizer.zero_grad()
            loss = criterion(model(X_train[batch]), y_train[batch])
            loss.backward()
            optimizer.step()
    model.eval()
    with torch.no_grad():
        score = r2_score(y[val_idx].numpy(), model(X[val_idx]).numpy())
    scores.append(score)
    print(f"fold {fold}: loss {loss.item():.4f}  R2 {score:.3f}")

print(f"mean R2 {np.mean(scores):.3f} +- {np.std(scores):.3f}")
