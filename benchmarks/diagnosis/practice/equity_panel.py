import numpy as np
import torch
import torch.nn as nn
from sklearn.metrics import r2_score

SEED = 11
N_TICKERS, N_DAYS, SPLIT = 12, 260, 200
rng = np.random.default_rng(SEED)
torch.manual_seed(SEED)

# panel of stylised daily factors, shape (days, tickers)
mom = rng.standard_normal((N_DAYS, N_TICKERS))
val = rng.standard_normal((N_DAYS, N_TICKERS))
vol = np.abs(rng.standard_normal((N_DAYS, N_TICKERS)))
noise = rng.standard_normal((N_DAYS, N_TICKERS))
score = 0.8 * np.tanh(mom) * (1.5 - vol) + 0.5 * val**2 + 0.3 * noise


def long_features(frames, lo, hi):
    return np.stack([f[lo:hi].reshape(-1) for f in frames], axis=1)


def long_target(frame, lo, hi):
    cols = [frame[lo:hi, k] for k in range(frame.shape[1])]
    return np.concatenate(cols)


X_tr = long_features([mom, val, vol], 0, SPLIT)
X_te = long_features([mom, val, vol], SPLIT, N_DAYS)
y_tr = long_target(score, 0, SPLIT)
y_te = long_target(score, SPLIT, N_DAYS)
mu, sd = y_tr.mean(), y_tr.std()

Xb = torch.tensor(X_tr, dtype=torch.float32)
yb = torch.tensor((y_tr - mu) / sd, dtype=torch.float32).unsqueeze(-1)

net = nn.Sequential(nn.Linear(3, 32), nn.SiLU(), nn.Linear(32, 32), nn.SiLU(), nn.Linear(32, 1))
opt = torch.optim.AdamW(net.parameters(), lr=4e-3, weight_decay=1e-4)
for epoch in range(20):
    order = torch.randperm(len(Xb))
    tot = 0.0
    for chunk in order.split(128):
        loss = nn.functional.mse_loss(net(Xb[chunk]), yb[chunk])
        opt.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 5.0)
        opt.step()
        tot += loss.item() * len(chunk)
    if epoch % 5 == 4:
        print(f"ep {epoch:3d} train {tot / len(Xb):.4f}")

net.eval()
with torch.no_grad():
    p = net(torch.tensor(X_te, dtype=torch.float32)).squeeze(-1).numpy() * sd + mu
print(f"IC  {np.corrcoef(p, y_te)[0, 1]:.3f}")
print(f"OOS R2 {r2_score(y_te, p):.3f}")
