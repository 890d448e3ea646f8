import numpy as np
import torch
import torch.nn as nn
from sklearn.metrics import accuracy_score
from sklearn.model_selection import StratifiedKFold

P = {"seed": 8, "folds": 4, "pre_epochs": 30, "head_epochs": 30, "lr": 3e-3}
np.random.seed(P["seed"])
torch.manual_seed(P["seed"])

# source task: machine state (6 classes); target task: fault yes/no, few rows
raw = np.random.randn(5000, 6).astype("float32")
ring = np.sqrt(raw[:, 0] ** 2 + raw[:, 1] ** 2)
state = (ring > 1.2).astype(int) * 3 + np.digitize(raw[:, 2] * raw[:, 3], [-0.3, 0.3])
fault = ((ring > 1.2) ^ (raw[:, 2] * raw[:, 3] > 0.3)).astype(int)
flip = np.random.rand(5000) < 0.03
fault[flip] = 1 - fault[flip]

Xs, ys = torch.tensor(raw[:4200]), torch.tensor(state[:4200])
Xt, yt = torch.tensor(raw[4200:]), torch.tensor(fault[4200:])

backbone = nn.Sequential(nn.Linear(6, 128), nn.ReLU(), nn.Linear(128, 64), nn.ReLU())
pre = nn.Linear(64, 6)
opt = torch.optim.Adam([*backbone.parameters(), *pre.parameters()], lr=P["lr"])
ce = nn.CrossEntropyLoss()
for ep in range(P["pre_epochs"]):
    for b in torch.randperm(len(Xs)).split(64):
        opt.zero_grad()
        loss = ce(pre(backbone(Xs[b])), ys[b])
        loss.backward()
        opt.step()
    if ep % 10 == 0:
        print(f"pretrain {ep} {loss.item():.4f}")

for q in backbone.parameters():
    q.requires_grad = False
backbone.eval()

oof = np.zeros(len(yt), dtype=int)
for fold, (tr, va) in enumerate(StratifiedKFold(P["folds"], shuffle=True, random_state=1).split(Xt, yt)):
    head = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 2))
    opt = torch.optim.Adam(head.parameters(), lr=P["lr"])
    with torch.no_grad():
        emb = backbone(Xt)
    for ep in range(P["head_epochs"]):
        for b in torch.tensor(tr)[torch.randperm(len(tr))].split(32):
            loss = ce(head(emb[b]), yt[b])
            opt.zero_grad()
            loss.backward()
            opt.step()
    with torch.no_grad():
        oof[va] = head(emb[va]).argmax(1).numpy()
    print(f"fold {fold}: loss {loss.item():.4f} acc {accuracy_score(yt[va], oof[va]):.4f}")
print("oof acc", accuracy_score(yt.numpy(), oof))
