import numpy as np
import torch

# moisture content of a brick wall after some days of drying, from a lumped model
rng = np.random.default_rng(17)
torch.manual_seed(17)
n = 1600
w0 = rng.uniform(40, 180, n)
days = rng.uniform(0, 60, n)
rh = rng.uniform(0.3, 0.9, n)
thick = rng.uniform(0.12, 0.38, n)
w_eq = 2 + 18 * rh**3
w = w_eq + (w0 - w_eq) * np.exp(-days * (1 - rh) * 0.012 / thick**1.5)
w += rng.normal(0, 2, n)

X = np.column_stack([w0, days, rh, thick])
X = torch.as_tensor((X - X.mean(0)) / X.std(0), dtype=torch.float32)
y = torch.as_tensor((w - w.mean()) / w.std(), dtype=torch.float32)
Xt, yt, Xv, yv = X[:1280], y[:1280], X[1280:], y[1280:]

net = torch.nn.Sequential(
    torch.nn.Linear(4, 24), torch.nn.Tanh(), torch.nn.Linear(24, 24), torch.nn.Tanh(), torch.nn.Linear(24, 1)
)
optimizer = torch.optim.SGD(net.parameters(), lr=1e-3, momentum=0.9)
loss_fn = torch.nn.MSELoss(reduction="sum")

for epoch in range(240):
    perm = torch.randperm(1280)
    epoch_loss = 0.0
    for rows in perm.chunk(20):
        optimizer.zero_grad()
        out = net(Xt[rows]).squeeze(1)
        loss = loss_fn(out, yt[rows])
        loss.backward()
        optimizer.step()
        epoch_loss += loss.item()
    if epoch % 40 == 0:
        print(f"{epoch:4d}  sum of squares {epoch_loss:.2f}")

with torch.no_grad():
    res = yv - net(Xv).squeeze(1)
    print(f"R2 = {1 - (res @ res / ((yv - yv.mean()) @ (yv - yv.mean()))).item():.4f}")
