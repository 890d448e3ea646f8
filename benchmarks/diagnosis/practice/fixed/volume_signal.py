import numpy as np
import torch
from sklearn.metrics import r2_score
from torch import nn

rng = np.random.default_rng(77)
torch.manual_seed(77)

# minute bars: trade count, volume, signed imbalance -> next-bar spread
T = 2400
trades = rng.poisson(6.0, T)
volume = trades * rng.lognormal(3.0, 0.5, T)
imb = rng.uniform(-1, 1, T)
activity = np.log1p(volume)
spread = 1.0 + 1.5 * np.abs(imb) ** 1.5 - 0.15 * activity + 0.4 * np.sin(2.5 * imb) + rng.normal(0, 0.08, T)


def features(volume, imb):
    lv = np.log1p(volume)
    return np.column_stack([lv, imb])


with np.errstate(divide="ignore"):
    F = features(volume, imb)[:-1]
y = spread[:-1]
cut = 1800
finite = np.isfinite(F[:cut]).all(1)
mu, sd = F[:cut][finite].mean(0), F[:cut][finite].std(0)
Z = torch.tensor((F - mu) / sd, dtype=torch.float32)
ty = torch.tensor((y - y[:cut].mean()) / y[:cut].std(), dtype=torch.float32)

net = nn.Sequential(nn.Linear(2, 32), nn.GELU(), nn.Linear(32, 32), nn.GELU(), nn.Linear(32, 1), nn.Flatten(0))
opt = torch.optim.Adam(net.parameters(), lr=2e-3, betas=(0.9, 0.99))
for ep in range(40):
    ls = []
    for idx in torch.randperm(cut).split(64):
        loss = nn.functional.mse_loss(net(Z[idx]), ty[idx])
        opt.zero_grad()
        loss.backward()
        opt.step()
        ls.append(loss.item())
    if ep % 10 == 0:
        print(f"epoch {ep}: {np.mean(ls):.4f}")

test = np.flatnonzero(np.isfinite(Z[cut:].numpy()).all(1)) + cut
with torch.no_grad():
    fc = np.nan_to_num(net(Z[test]).numpy())
print(f"oos r2 = {r2_score(ty[test].numpy(), fc):.4f}")
