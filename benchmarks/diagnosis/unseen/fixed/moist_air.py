import numpy as np
import torch
from sklearn.metrics import r2_score
from sklearn.model_selection import train_test_split
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

SEED = 21
np.random.seed(SEED)
torch.manual_seed(SEED)


def saturation_pressure(t):
    return 610.94 * np.exp(17.625 * t / (t + 243.04))


# dry bulb temperature in degC, relative humidity in %, barometric pressure in Pa
t = np.random.uniform(-5, 40, 2000)
rh = np.random.uniform(10, 95, 2000)
p = np.random.normal(97000, 2500, 2000)
pv = rh / 100 * saturation_pressure(t)
w = 0.622 * pv / (p - pv)
enthalpy = 1.006 * t + w * (2501 + 1.86 * t)

features = np.stack([t, rh, p], axis=1)
x_train, x_test, h_train, h_test = train_test_split(features, enthalpy, test_size=0.25, random_state=SEED)
x_mean, x_std = x_train.mean(0), x_train.std(0)
x_train, x_test = (x_train - x_mean) / x_std, (x_test - x_mean) / x_std
h_mean, h_std = h_train.mean(), h_train.std()
h_train = (h_train - h_mean) / h_std

ds = TensorDataset(torch.tensor(x_train).float(), torch.tensor(h_train).float().view(-1, 1))
loader = DataLoader(ds, batch_size=64, shuffle=True)

model = nn.Sequential(
    nn.Linear(3, 64),
    nn.ReLU(),
    nn.Linear(64, 32),
    nn.ReLU(),
    nn.Linear(32, 1),
)
criterion = nn.MSELoss()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)

for epoch in range(60):
    model.train()
    epoch_loss = 0.0
    for inputs, targets in loader:
        optimizer.zero_grad()
        outputs = model(inputs)
        loss = criterion(outputs, targets)
        loss.backward()
        optimizer.step()
        epoch_loss += loss.item() * inputs.size(0)
    if (epoch + 1) % 10 == 0:
        print(f"Epoch {epoch + 1}, loss {epoch_loss / len(ds):.5f}")

model.eval()
with torch.no_grad():
    h_pred = model(torch.tensor(x_test).float()).squeeze(1).numpy() * h_std + h_mean
print(f"Test MAE: {np.abs(h_test - h_pred).mean():.3f} kJ/kg")
print(f"Test R2: {r2_score(h_test, h_pred):.4f}")
