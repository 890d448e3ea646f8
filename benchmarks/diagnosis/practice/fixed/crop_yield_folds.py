"""Five-fold cross-validation of a crop yield model (t/ha) on simulated field trials."""

import numpy as np
import torch
from sklearn.metrics import r2_score
from sklearn.model_selection import KFold
from sklearn.preprocessing import StandardScaler
from torch import nn

SOILS = ("sand", "loam", "clay")


def field_trials(n=900, seed=21):
    rng = np.random.default_rng(seed)
    soil = rng.integers(0, 3, n)
    nitrogen = rng.uniform(0, 250, n)
    rain = rng.uniform(150, 700, n)
    heat = rng.uniform(900, 2200, n)
    capacity = np.array([0.7, 1.0, 0.9])[soil]
    response = 1.0 - np.exp(-nitrogen / 80.0) - 0.0008 * np.maximum(nitrogen - 180, 0)
    water = np.exp(-(((rain * capacity - 380) / 220) ** 2))
    season = 1.0 / (1.0 + np.exp(-(heat - 1400) / 150))
    yields = 1.5 + 8.0 * (0.3 + 0.7 * response) * water * season + rng.normal(0, 0.25, n)
    one_hot = np.eye(len(SOILS))[soil]
    return np.column_stack([nitrogen, rain, heat, one_hot]), yields


def build_model(n_inputs):
    return nn.Sequential(nn.Linear(n_inputs, 32), nn.ReLU(), nn.Linear(32, 16), nn.ReLU(), nn.Linear(16, 1))


def as_tensor(a):
    return torch.tensor(a, dtype=torch.float32)


torch.manual_seed(0)
features, yields = field_trials()
model = build_model(features.shape[1])
print("parameters:", sum(p.numel() for p in model.parameters()))
loss_fn = nn.MSELoss()

scores = []
folds = KFold(n_splits=5, shuffle=True, random_state=1)
for fold, (train, held) in enumerate(folds.split(features)):
    model = build_model(features.shape[1])
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    x_scaler = StandardScaler().fit(features[train])
    y_scaler = StandardScaler().fit(yields[train, None])
    x = as_tensor(x_scaler.transform(features[train]))
    y = as_tensor(y_scaler.transform(yields[train, None]))
    for _ in range(250):
        optimizer.zero_grad()
        loss = loss_fn(model(x), y)
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        predicted = y_scaler.inverse_transform(model(as_tensor(x_scaler.transform(features[held]))).numpy())
    scores.append(r2_score(yields[held], predicted))
    print(f"fold {fold}: loss {loss.item():.4f}, R2 {scores[-1]:.3f}")
print(f"mean R2 {np.mean(scores):.3f} +- {np.std(scores):.3f}")
