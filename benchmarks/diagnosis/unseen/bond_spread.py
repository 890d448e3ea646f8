import numpy as np
import torch
from sklearn.metrics import r2_score
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
from torch import nn

np.random.seed(8)
torch.manual_seed(8)


def draw_bonds(n):
    z = np.random.randn(n, 10)
    leverage, coverage, size, maturity, vol = z[:, :5].T
    spread = 1.8 + 0.6 * leverage - 0.5 * coverage - 0.25 * size + 0.3 * maturity
    spread = spread + 0.35 * np.maximum(leverage, 0) * vol + 0.5 * np.random.randn(n)
    return z, spread


X, y = draw_bonds(700)

# few issuers trade at wide spreads, give these more weight
weight = 1 + 2 * (y > np.quantile(y, 0.7))
rows = np.random.choice(len(X), size=2400, p=weight / weight.sum())
X, y = X[rows], y[rows]

X_tr, X_te, y_tr, y_te = train_test_split(X, y, test_size=0.2, random_state=0)
xs, ys = StandardScaler().fit(X_tr), StandardScaler().fit(y_tr[:, None])
to_x = lambda a: torch.tensor(xs.transform(a), dtype=torch.float32)  # noqa: E731
to_y = lambda a: torch.tensor(ys.transform(a[:, None]), dtype=torch.float32)  # noqa: E731
xt, yt, xv = to_x(X_tr), to_y(y_tr), to_x(X_te)

mlp = nn.Sequential(nn.Linear(10, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 1))
opt = torch.optim.AdamW(mlp.parameters(), lr=2e-3, weight_decay=0.5)

for epoch in range(40):
    for idx in torch.randperm(len(xt)).split(64):
        opt.zero_grad()
        loss = ((mlp(xt[idx]) - yt[idx]) ** 2).mean()
        loss.backward()
        opt.step()
    if epoch % 10 == 9:
        with torch.no_grad():
            val = r2_score(y_te, ys.inverse_transform(mlp(xv).numpy()).ravel())
        print(f"epoch {epoch + 1}  loss {loss.item():.4f}  test R2 {val:.3f}")
print("final test R2", val)
