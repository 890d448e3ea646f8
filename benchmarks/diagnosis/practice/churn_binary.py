import numpy as np
import torch
import torch.nn as nn
from sklearn.datasets import make_classification
from sklearn.metrics import accuracy_score
from sklearn.model_selection import StratifiedKFold

params = {"seed": 17, "folds": 3, "epochs": 25, "lr": 2e-3, "bs": 64, "h": 48}
torch.manual_seed(params["seed"])
np.random.seed(params["seed"])

X, y = make_classification(
    n_samples=900, n_features=12, n_informative=6, n_redundant=2, class_sep=1.2, random_state=params["seed"]
)
X = X.astype(np.float32)
y = y.astype(np.float32)


class ChurnNet(nn.Module):
    def __init__(self, d, h):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(d, h), nn.BatchNorm1d(h), nn.ReLU(), nn.Linear(h, h), nn.ReLU())
        self.head = nn.Linear(h, 1)

    def forward(self, x):
        return self.head(self.net(x))


oof = np.zeros(len(y))
history = {}
skf = StratifiedKFold(n_splits=params["folds"], shuffle=True, random_state=params["seed"])
for fold, (tr_idx, va_idx) in enumerate(skf.split(X, y)):
    model = ChurnNet(X.shape[1], params["h"])
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.AdamW(model.parameters(), lr=params["lr"])
    mu, sd = X[tr_idx].mean(0), X[tr_idx].std(0)
    xt = torch.tensor((X[tr_idx] - mu) / sd)
    yt = torch.tensor(y[tr_idx]).unsqueeze(1)
    xv = torch.tensor((X[va_idx] - mu) / sd)
    history[fold] = []
    for epoch in range(params["epochs"]):
        model.train()
        ep_loss = 0
        for b in torch.randperm(len(xt)).split(params["bs"]):
            optimizer.zero_grad()
            loss = criterion(model(xt[b]), yt[b])
            loss.backward()
            optimizer.step()
            ep_loss += loss.item()
        history[fold].append(ep_loss)
    model.eval()
    with torch.no_grad():
        oof[va_idx] = torch.sigmoid(model(xv)).squeeze(1).numpy()
    print(f"Fold {fold}: acc = {accuracy_score(y[va_idx], oof[va_idx] > 0.5):.4f}, loss = {history[fold][-1]:.4f}")
print("OOF accuracy:", round(accuracy_score(y, oof > 0.5), 4))
