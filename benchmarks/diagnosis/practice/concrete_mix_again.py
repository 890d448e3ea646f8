"""Ridge against a small network on concrete mixes, four folds."""

import numpy as np
import torch
from sklearn.linear_model import Ridge
from sklearn.metrics import r2_score
from sklearn.model_selection import KFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import nn

rng = np.random.default_rng(44)
torch.manual_seed(44)
torch.set_default_dtype(torch.float64)
n = 900
cement = rng.uniform(150, 500, n)  # kg/m3
slag = rng.uniform(0, 200, n)
water = rng.uniform(140, 230, n)
plasticizer = rng.uniform(0, 20, n)
age = rng.choice([3.0, 7.0, 28.0, 90.0], n)
binder = (cement + 0.6 * slag) / water
strength = 18 * binder**1.1 * (np.log(age + 1) / np.log(29)) ** 0.6 + 0.5 * plasticizer + rng.normal(0, 3.0, n)
X = np.column_stack([cement, slag, water, plasticizer, np.log(age)])


def network():
    return nn.Sequential(
        nn.Linear(5, 40),
        nn.BatchNorm1d(40),
        nn.ReLU(),
        nn.Linear(40, 40),
        nn.BatchNorm1d(40),
        nn.ReLU(),
        nn.Linear(40, 1),
    )


def fit_network(x, y):
    sx, sy = StandardScaler().fit(x), StandardScaler().fit(y[:, None])
    xt, yt = torch.from_numpy(sx.transform(x)), torch.from_numpy(sy.transform(y[:, None]))
    net = network()
    optim = torch.optim.Adam(net.parameters(), lr=1e-2)
    decay = torch.optim.lr_scheduler.ExponentialLR(optim, 0.95)
    net.train()
    for _ in range(45):
        for rows in np.array_split(rng.permutation(len(xt)), 9):
            optim.zero_grad()
            loss = nn.functional.mse_loss(net(xt[rows]), yt[rows])
            loss.backward()
            optim.step()
        decay.step()
    net.eval()

    def predict(z):
        with torch.no_grad():
            return sy.inverse_transform(net(torch.from_numpy(sx.transform(z))).numpy())[:, 0]

    return predict, loss.item()


table = []
for k, (tr, te) in enumerate(KFold(4, shuffle=True, random_state=1).split(X)):
    ridge = make_pipeline(StandardScaler(), Ridge(1.0)).fit(X[tr], strength[tr])
    predict, last = fit_network(X[tr], strength[tr])
    table.append([r2_score(strength[te], ridge.predict(X[te])), r2_score(strength[te], predict(X[te]))])
    print(f"fold {k}: ridge {table[-1][0]:.3f}  network {table[-1][1]:.3f}  (last loss {last:.4f})")
print("mean R2, ridge and network:", np.round(np.mean(table, axis=0), 3))
