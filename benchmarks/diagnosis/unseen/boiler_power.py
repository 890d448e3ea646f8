import copy

import numpy as np
import torch
from torch import nn

rng = np.random.default_rng(55)
torch.manual_seed(55)

# boiler output in W from flow (kg/s), feed and return temperature (degC) and outdoor temperature
n = 900
flow = rng.uniform(0.3, 1.5, n)
t_out = rng.uniform(-12, 16, n)
feed = 70 - 1.2 * t_out + rng.normal(0, 3, n)
ret = feed - rng.uniform(5, 20, n)
share = 1 / (1 + np.exp((t_out - 3) / 1.5))  # the heat pump carries the load on mild days
efficiency = 0.97 - 0.08 / (1 + np.exp(-(ret - 54) / 2))
power = 4186 * flow * (feed - ret) * (0.25 + 0.75 * share) / efficiency + rng.normal(0, 300, n)

table = np.column_stack([flow, feed, ret, t_out])
table = (table - table[:600].mean(0)) / table[:600].std(0)
X = torch.tensor(table, dtype=torch.float32)
y = torch.tensor(power, dtype=torch.float32)[:, None]
tr, va, te = slice(0, 600), slice(600, 750), slice(750, 900)

model = nn.Sequential(nn.Linear(4, 1), nn.Tanh(), nn.Linear(1, 1))
opt = torch.optim.Adam(model.parameters(), lr=0.01)
best, best_state, patience = float("inf"), None, 0
for epoch in range(2000):
    model.train()
    loss = nn.functional.mse_loss(model(X[tr]), y[tr])
    opt.zero_grad()
    loss.backward()
    opt.step()
    model.eval()
    with torch.no_grad():
        val = nn.functional.mse_loss(model(X[va]), y[va]).item()
    if val < best:
        best, best_state, patience = val, copy.deepcopy(model.state_dict()), 0
    else:
        patience += 1
        if patience > 100:
            break
    if epoch % 200 == 0:
        print(f"{epoch:5d} train {loss.item():.4g} valid {val:.4g}")

model.load_state_dict(best_state)
with torch.no_grad():
    mse = nn.functional.mse_loss(model(X[te]), y[te])
print("stopped after", epoch + 1, "epochs")
print("R2 on test rows:", (1 - mse / y[te].var(unbiased=False)).item())
