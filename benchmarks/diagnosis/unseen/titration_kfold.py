import numpy as np
import torch
import torch.nn.functional as F
from sklearn.metrics import r2_score
from sklearn.model_selection import KFold
from torch import nn

torch.manual_seed(0)
rng = np.random.default_rng(0)

# weak acid titrated with NaOH: pH from pKa, acid concentration and added fraction
n = 800
pka = rng.uniform(3.0, 6.0, n)
conc = 10 ** rng.uniform(-2.5, -0.5, n)
frac = rng.uniform(0.05, 1.6, n)
before = pka + np.log10(np.clip(frac, 1e-3, 0.985) / (1 - np.clip(frac, 1e-3, 0.985)))
after = 14 + np.log10(np.maximum(frac - 1, 0.01) * conc / (1 + frac))
ph = np.where(frac < 1, before, after) + rng.normal(0, 0.05, n)

X = np.column_stack([pka, np.log10(conc), frac])
X = (X - X.mean(0)) / X.std(0)
y = ((ph - ph.mean()) / ph.std())[:, None]
X, y = X.astype(np.float32), y.astype(np.float32)


def build():
    return nn.Sequential(nn.Linear(3, 40), nn.ReLU(), nn.Linear(40, 40), nn.ReLU(), nn.Linear(40, 1))


def train(model, optimizer, xt, yt, epochs=250):
    model.train()
    for _ in range(epochs):
        optimizer.zero_grad()
        loss = F.mse_loss(model(xt), yt)
        loss.backward()
        optimizer.step()
    return loss.item()


model = build()
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3, weight_decay=1e-5)
scores = []
for fold, (tr, te) in enumerate(KFold(5, shuffle=True, random_state=1).split(X)):
    model = build()
    final = train(model, optimizer, torch.from_numpy(X[tr]), torch.from_numpy(y[tr]))
    model.eval()
    with torch.no_grad():
        pred = model(torch.from_numpy(X[te])).numpy()
    scores.append(r2_score(y[te], pred))
    print(f"fold {fold}: train loss {final:.4f}   R2 {scores[-1]:.3f}")
print(f"mean R2 {np.mean(scores):.3f} +- {np.std(scores):.3f}")
