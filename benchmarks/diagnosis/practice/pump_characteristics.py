"""Head and efficiency surface of a centrifugal pump: flow, speed, impeller trim."""

import numpy as np
import torch
from sklearn.metrics import r2_score
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import MinMaxScaler, StandardScaler

rng = np.random.default_rng(12)
torch.manual_seed(12)

flow = rng.uniform(5, 120, 1500)
speed = rng.uniform(900, 3000, 1500)
trim = rng.uniform(0.8, 1.0, 1500)
unit_flow = flow / (speed / 1450) / trim**2
head = (speed / 1450) ** 2 * trim**2 * (34 - 0.0022 * unit_flow**2 + 0.06 * unit_flow)
power_loss = 1 + ((unit_flow - 60) / 55) ** 2
rating = head / power_loss + rng.normal(0, 0.8, 1500)

table = np.column_stack([flow, speed, trim])
x_train, x_test, y_train, y_test = train_test_split(table, rating[:, None], test_size=0.25, random_state=0)
in_scaler, out_scaler = MinMaxScaler().fit(x_train), StandardScaler().fit(y_train)
x_train = torch.tensor(in_scaler.transform(x_train), dtype=torch.float32)
x_test = torch.tensor(in_scaler.transform(x_test), dtype=torch.float32)
y_scaled = torch.tensor(out_scaler.transform(y_train), dtype=torch.float32)

model = torch.nn.Sequential(
    torch.nn.Linear(3, 40),
    torch.nn.ReLU(),
    torch.nn.Linear(40, 40),
    torch.nn.ReLU(),
    torch.nn.Linear(40, 1),
)
for layer in model:
    if isinstance(layer, torch.nn.Linear):
        torch.nn.init.xavier_uniform_(layer.weight)
        torch.nn.init.constant_(layer.bias, -0.9)

optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
loss_fn = torch.nn.MSELoss()
history = []
for epoch in range(70):
    order = torch.randperm(len(x_train))
    total = 0.0
    for k in range(0, len(order), 75):
        rows = order[k : k + 75]
        prediction = model(x_train[rows])
        loss = loss_fn(prediction, y_scaled[rows])
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        total += loss.item() * len(rows)
    history.append(total / len(order))
    if (epoch + 1) % 14 == 0:
        print(f"epoch {epoch + 1:2d}  loss {history[-1]:.4f}")

model.eval()
with torch.no_grad():
    rated = out_scaler.inverse_transform(model(x_test).numpy())
print(f"R2 = {r2_score(y_test, rated):.3f}")
