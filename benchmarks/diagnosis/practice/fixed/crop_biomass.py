"""Dry biomass of field plots from soil and weather measurements."""

import numpy as np
import torch
from sklearn.metrics import r2_score
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
from sklearn.utils import resample
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(11)
rng = np.random.default_rng(11)


def measure_plots(n):
    rain = rng.gamma(6.0, 12.0, n)  # mm in the season
    temp = rng.normal(16.0, 3.0, n)  # degrees C
    nitrogen = rng.uniform(10.0, 60.0, n)  # kg/ha
    ph = rng.normal(6.4, 0.5, n)
    organic = rng.uniform(1.0, 5.0, n)  # percent
    biomass = 2.0 + 4.0 * rain / (rain + 60.0) + 3.0 * nitrogen / (nitrogen + 30.0) - 0.04 * (temp - 17.0) ** 2
    biomass = biomass + 0.1 * organic + rng.normal(0.0, 0.4, n)
    return np.column_stack([rain, temp, nitrogen, ph, organic]), biomass


plots, biomass = measure_plots(240)

# Only 240 plots were harvested: enlarge the table by resampling it.
x_train, x_test, y_train, y_test = train_test_split(plots, biomass, test_size=0.25, random_state=0)
x_train, y_train = resample(x_train, y_train, n_samples=720, random_state=0)

scaler = StandardScaler().fit(x_train)
y_mean, y_std = y_train.mean(), y_train.std()
train_set = TensorDataset(
    torch.tensor(scaler.transform(x_train), dtype=torch.float32),
    torch.tensor((y_train - y_mean) / y_std, dtype=torch.float32).unsqueeze(1),
)
loader = DataLoader(train_set, batch_size=64, shuffle=True)

model = nn.Sequential(nn.Linear(5, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
loss_fn = nn.MSELoss()

for epoch in range(80):
    total = 0.0
    for xb, yb in loader:
        optimizer.zero_grad()
        loss = loss_fn(model(xb), yb)
        loss.backward()
        optimizer.step()
        total += loss.item() * len(xb)
    if (epoch + 1) % 20 == 0:
        print(f"epoch {epoch + 1:3d}  training loss {total / len(train_set):.4f}")

with torch.no_grad():
    x_eval = torch.tensor(scaler.transform(x_test), dtype=torch.float32)
    predicted = model(x_eval).squeeze(1).numpy() * y_std + y_mean
print(f"test R2 {r2_score(y_test, predicted):.3f}")
