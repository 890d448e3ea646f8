import numpy as np
import torch
from sklearn.metrics import r2_score
from torch import nn

# next-day change of a mean reverting spread from its last 5 levels
rng = np.random.default_rng(5)
torch.manual_seed(5)
T, K = 5000, 5
s = np.zeros(T)
for t in range(1, T):
    s[t] = s[t - 1] - 0.9 * np.tanh(s[t - 1]) + rng.normal(0, 1.0)

lags = np.column_stack([s[K - 1 - j : T - 1 - j] for j in range(K)])
dy = s[K:] - s[K - 1 : -1]
cut = int(len(dy) * 0.7)
X = torch.tensor(lags, dtype=torch.float32)
Y = torch.tensor(dy, dtype=torch.float32)

net = nn.Sequential(nn.Linear(K, 12), nn.ReLU(), nn.Linear(12, 1))
opt = torch.optim.SGD(net.parameters(), lr=2e-3, momentum=0.9, weight_decay=1e-3)
for epoch in range(25):
    perm = torch.randperm(cut)
    tot = 0.0
    for i in range(0, cut, 50):
        b = perm[i : i + 50]
        err = net(X[b])[:, 0] - Y[b]
        loss = (err**2).mean()
        opt.zero_grad()
        loss.backward()
        opt.step()
        tot += loss.item() * len(b)
    if epoch % 5 == 0:
        print(f"epoch {epoch:2d}  train mse {tot / cut:.4f}  var {Y[:cut].var():.4f}")

with torch.no_grad():
    f = net(X[cut:])[:, 0].numpy()
real = dy[cut:]
print(f"hit rate {np.mean(np.sign(f) == np.sign(real)):.3f}")
print(f"oos r2   {r2_score(real, f):.3f}")
