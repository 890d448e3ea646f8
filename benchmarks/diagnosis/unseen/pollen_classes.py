"""Pollen grains of three taxa from size and texture measurements."""

import numpy as np
import torch
import torch.nn.functional as F
from sklearn.datasets import make_classification
from sklearn.model_selection import StratifiedKFold
from torch import nn

x, y = make_classification(
    n_samples=1500,
    n_features=8,
    n_informative=5,
    n_redundant=1,
    n_classes=3,
    n_clusters_per_class=2,
    class_sep=1.6,
    flip_y=0.18,
    random_state=14,
)
x = (x - x.mean(axis=0)) / x.std(axis=0)
x = torch.tensor(x, dtype=torch.float32)
y = torch.tensor(y, dtype=torch.int64)


class Grains(nn.Module):
    def __init__(self, drop=0.2):
        super().__init__()
        self.norm = nn.BatchNorm1d(64)
        self.inner = nn.Linear(8, 64)
        self.drop = nn.Dropout(drop)
        self.outer = nn.Linear(64, 3)

    def forward(self, grains):
        return self.outer(self.drop(F.relu(self.norm(self.inner(grains)))))


def train_fold(train_rows, test_rows, fold):
    torch.manual_seed(100 + fold)
    net = Grains()
    optimizer = torch.optim.SGD(net.parameters(), lr=5e-4, momentum=0.9)
    for epoch in range(40):
        net.train()
        total = 0.0
        for rows in train_rows[torch.randperm(len(train_rows))].split(50):
            loss = F.cross_entropy(net(x[rows]), y[rows], reduction="sum")
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item()
        if epoch in (0, 19, 39):
            print(f"fold {fold} epoch {epoch:2d} loss {total:.1f}")
    net.eval()
    with torch.no_grad():
        return (net(x[test_rows]).argmax(dim=1) == y[test_rows]).float().mean().item()


scores = []
for fold, (a, b) in enumerate(StratifiedKFold(4, shuffle=True, random_state=3).split(x, y)):
    scores.append(train_fold(torch.from_numpy(a), torch.from_numpy(b), fold))
print(f"accuracy {np.mean(scores):.3f} +- {np.std(scores):.3f}")
