import numpy as np
import torch
from sklearn.metrics import r2_score
from torch import nn

# realised-variance proxy: nonlinear map from the last LOOKBACK shocks to the next log-range
LOOKBACK = 8
T = 2200
rng = np.random.default_rng(99)
torch.manual_seed(99)

shocks = rng.standard_normal(T)
decay = 0.7 ** np.arange(LOOKBACK)


def lagged(series, k):
    return np.lib.stride_tricks.sliding_window_view(series, k)[:-1]


W = lagged(shocks, LOOKBACK)
lev = np.where(W < 0, 1.6, 0.6)
logrange = np.log(0.2 + (W**2 * lev) @ decay[::-1]) + 0.15 * rng.standard_normal(len(W))

cut = int(0.75 * len(W))
mu, sd = logrange[:cut].mean(), logrange[:cut].std()
as_t = lambda z: torch.as_tensor(z, dtype=torch.float32)
Xtr, Xte = as_t(W[:cut].copy()), as_t(W[cut:].copy())
ytr = as_t((logrange[:cut] - mu) / sd)[:, None]
yte = logrange[cut:]


class Forecaster(nn.Module):
    def __init__(self, k, width=96, drop=0.0):
        super().__init__()
        self.enc = nn.Linear(k, width)
        self.mid = nn.Linear(width, width // 2)
        self.drop = nn.Dropout(drop)
        self.out = nn.Linear(width // 2, 1)

    def forward(self, w):
        h = self.enc(w)
        h = self.drop(self.mid(h))
        return self.out(h)


net = Forecaster(LOOKBACK)
opt = torch.optim.Adam(net.parameters(), lr=2e-3)
sched = torch.optim.lr_scheduler.CosineAnnealingLR(opt, T_max=40)
for ep in range(40):
    net.train()
    for idx in torch.randperm(cut).split(64):
        opt.zero_grad()
        loss = nn.functional.mse_loss(net(Xtr[idx]), ytr[idx])
        loss.backward()
        opt.step()
    sched.step()
    if ep % 10 == 0:
        print(f"{ep:3d}  {loss.item():.4f}")

net.eval()
with torch.no_grad():
    fc = net(Xte).numpy().ravel() * sd + mu
print(f"out-of-sample R2: {r2_score(yte, fc):.4f}")
