import numpy as np
import torch

# hourly heat demand of an office building from the weather and the calendar
rng = np.random.default_rng(42)
torch.manual_seed(42)

hours = np.arange(24 * 90)
t_out = 4 - 6 * np.cos(2 * np.pi * hours / (24 * 180)) + 4 * np.sin(2 * np.pi * (hours - 9) / 24)
t_out += np.convolve(rng.normal(0, 2.5, hours.size), np.ones(12) / 12**0.5, mode="same")
sun = np.clip(np.sin(2 * np.pi * (hours - 7) / 24), 0, None) * rng.uniform(0.1, 0.8, hours.size)
occupied = ((hours % 24 >= 7) & (hours % 24 < 19) & ((hours // 24) % 7 < 5)).astype(float)
setpoint = np.where(occupied > 0, 21.0, 17.0)
demand = np.clip(2.4 * (setpoint - t_out) - 22 * sun - 6 * occupied, 0, None) + rng.normal(0, 2.0, hours.size)

raw = np.column_stack([t_out, sun, occupied])
X = torch.tensor((raw - raw.mean(0)) / raw.std(0), dtype=torch.float32)
y = torch.tensor((demand - demand.mean()) / demand.std(), dtype=torch.float32).reshape(-1, 1)
split = torch.randperm(len(X))
train, test = split[:1700], split[1700:]
X_train, y_train = X[train], y[train]
X_test, y_test = X[test], y[test]

net = torch.nn.Sequential(
    torch.nn.Linear(3, 32),
    torch.nn.SiLU(),
    torch.nn.Linear(32, 32),
    torch.nn.SiLU(),
    torch.nn.Linear(32, 1),
)
opt = torch.optim.AdamW(net.parameters(), lr=3e-3)
batch = 68
n = len(X_train)

for epoch in range(40):
    perm = torch.randperm(n)
    acc = 0.0
    for i in range(0, n, batch):
        xb = X_train[perm[i : i + batch]]
        yb = y_train[i : i + batch]
        loss = torch.nn.functional.smooth_l1_loss(net(xb), yb)
        opt.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 5.0)
        opt.step()
        acc += loss.item()
    if epoch % 5 == 0:
        print(f"{epoch=} loss={acc / (n // batch):.4f}")

with torch.no_grad():
    err = ((net(X_test) - y_test) ** 2).mean()
    print("R2:", round(1 - (err / y_test.var()).item(), 4))
