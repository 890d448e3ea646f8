import numpy as np
import torch
import torch.nn as nn
from sklearn.metrics import r2_score
from sklearn.model_selection import KFold

CFG = dict(seed=2024, n_folds=5, epochs=150, bs=32, lr=3e-3, hidden=192, wd=0.0)

np.random.seed(CFG["seed"])
torch.manual_seed(CFG["seed"])

N = 260
num = np.random.randn(N, 10)
cat = np.random.randint(0, 6, N)
onehot = np.eye(6)[cat]
X = np.hstack([num, onehot]).astype("float32")
target = np.sin(num[:, 0]) + 0.5 * num[:, 1] + 0.3 * (cat - 2.5) + 1.0 * np.random.randn(N)
target = ((target - target.mean()) / target.std()).astype("float32")


def build(cfg):
    h = cfg["hidden"]
    return nn.Sequential(nn.Linear(X.shape[1], h), nn.ReLU(), nn.Linear(h, h), nn.ReLU(), nn.Linear(h, 1))


def run_epoch(model, opt, xs, ys, cfg):
    model.train()
    losses = []
    for b in torch.randperm(len(xs)).split(cfg["bs"]):
        opt.zero_grad()
        loss = nn.functional.mse_loss(model(xs[b]).squeeze(1), ys[b])
        loss.backward()
        opt.step()
        losses.append(loss.item())
    return float(np.mean(losses))


def predict(model, xs):
    model.eval()
    with torch.no_grad():
        return model(xs).squeeze(1).numpy()


oof = np.zeros(N, dtype="float32")
scores = {}
model = build(CFG)
kf = KFold(CFG["n_folds"], shuffle=True, random_state=CFG["seed"])
for fold, (tr, va) in enumerate(kf.split(X)):
    opt = torch.optim.AdamW(model.parameters(), lr=CFG["lr"], weight_decay=CFG["wd"])
    xt, yt = torch.from_numpy(X[tr]), torch.from_numpy(target[tr])
    for ep in range(CFG["epochs"] // 3):
        tl = run_epoch(model, opt, xt, yt, CFG)
    oof[va] = predict(model, torch.from_numpy(X[va]))
    scores[fold] = r2_score(target[va], oof[va])
    print(f"fold {fold} | train {tl:.4f} | val r2 {scores[fold]:.4f}")
print(f"CV mean {np.mean(list(scores.values())):.4f} | OOF {r2_score(target, oof):.4f}")
