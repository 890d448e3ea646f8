"""Outlet temperature of a counter-flow heat exchanger, five-fold cross-validation."""

import copy

import numpy as np
import torch
from sklearn.metrics import r2_score
from sklearn.model_selection import KFold
from sklearn.preprocessing import StandardScaler
from torch import nn, optim

torch.manual_seed(4)
rng = np.random.default_rng(4)

n = 600
hot_flow = rng.uniform(0.5, 3.0, n)  # kg/s
cold_flow = rng.uniform(0.5, 3.0, n)  # kg/s
t_hot = rng.uniform(60.0, 95.0, n)  # degrees C
t_cold = rng.uniform(8.0, 25.0, n)
ua = rng.uniform(2.0, 12.0, n)  # kW/K
cp = 4.18

c_hot, c_cold = hot_flow * cp, cold_flow * cp
c_min, c_max = np.minimum(c_hot, c_cold), np.maximum(c_hot, c_cold)
ratio = np.minimum(c_min / c_max, 0.999)
ntu = ua / c_min
decay = np.exp(-ntu * (1.0 - ratio))
effectiveness = (1.0 - decay) / (1.0 - ratio * decay)
t_out = t_cold + effectiveness * c_min * (t_hot - t_cold) / c_cold + rng.normal(0.0, 0.3, n)

features = np.column_stack([hot_flow, cold_flow, t_hot, t_cold, ua])

template = nn.Sequential(nn.Linear(5, 40), nn.GELU(), nn.Linear(40, 40), nn.GELU(), nn.Linear(40, 1))
criterion = nn.MSELoss()

scores = []
for fold, (train, test) in enumerate(KFold(5, shuffle=True, random_state=0).split(features)):
    model = copy.deepcopy(template)
    optimizer = optim.Adam(model.parameters(), lr=5e-3)
    x_scaler = StandardScaler().fit(features[train])
    y_scaler = StandardScaler().fit(t_out[train, None])
    x = torch.tensor(x_scaler.transform(features), dtype=torch.float32)
    y = torch.tensor(y_scaler.transform(t_out[:, None]), dtype=torch.float32)
    for _ in range(250):
        optimizer.zero_grad()
        loss = criterion(model(x[train]), y[train])
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        pred = y_scaler.inverse_transform(model(x[test]).numpy())
    scores.append(r2_score(t_out[test], pred[:, 0]))
    print(f"fold {fold}: final loss {loss.item():.4f}  R2 {scores[-1]:.3f}")

print(f"mean R2 {np.mean(scores):.3f} +- {np.std(scores):.3f}")
