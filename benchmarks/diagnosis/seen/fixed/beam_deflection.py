# Mid-span deflection of a simply supported steel beam under a point load
import numpy as np
import torch
import torch.nn.functional as F
from sklearn.metrics import mean_absolute_error, r2_score
from sklearn.preprocessing import StandardScaler

torch.manual_seed(0)
rng = np.random.default_rng(0)

n = 1200
load = rng.uniform(1e3, 2e4, n)  # N
span = rng.uniform(2.0, 6.0, n)  # m
width = rng.uniform(0.08, 0.2, n)  # m
height = rng.uniform(0.1, 0.3, n)  # m
inertia = width * height**3 / 12
deflection_mm = 1e3 * load * span**3 / (48 * 210e9 * inertia)
target = np.log10(deflection_mm)

X = np.column_stack([load, span, width, height])
x_scaler, y_scaler = StandardScaler(), StandardScaler()
X = torch.tensor(x_scaler.fit_transform(X), dtype=torch.float32)
y = torch.tensor(y_scaler.fit_transform(target[:, None]), dtype=torch.float32)

n_train = 1000
X_train, y_train = X[:n_train], y[:n_train]
X_val, y_val = X[n_train:], y[n_train:]


class BeamNet(torch.nn.Module):
    def __init__(self, hidden=40):
        super().__init__()
        self.fc1 = torch.nn.Linear(4, hidden)
        self.fc2 = torch.nn.Linear(hidden, hidden)
        self.out = torch.nn.Linear(hidden, 1)

    def forward(self, x):
        x = F.relu(self.fc1(x))
        x = F.relu(self.fc2(x))
        return self.out(x)


model = BeamNet()
opt = torch.optim.AdamW(model.parameters(), lr=2e-3)
batch = 50

for epoch in range(60):
    perm = torch.randperm(n_train)
    running = 0.0
    for i in range(0, n_train, batch):
        xb = X_train[perm[i : i + batch]]
        yb = y_train[perm[i : i + batch]]
        opt.zero_grad()
        loss = F.mse_loss(model(xb), yb)
        loss.backward()
        opt.step()
        running += loss.item()
    if epoch % 15 == 0:
        with torch.no_grad():
            val = F.mse_loss(model(X_val), y_val).item()
        print(f"epoch {epoch}: train {running / (n_train // batch):.4f} val {val:.4f}")

with torch.no_grad():
    pred = y_scaler.inverse_transform(model(X_val).numpy())
true = y_scaler.inverse_transform(y_val.numpy())
print("MAE (log10 mm):", mean_absolute_error(true, pred))
print("R2:", r2_score(true, pred))
