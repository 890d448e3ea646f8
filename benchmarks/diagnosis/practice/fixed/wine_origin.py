import numpy as np
import torch
from sklearn.datasets import make_blobs
from sklearn.model_selection import train_test_split
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def build():
    x, y = make_blobs(n_samples=[450, 250, 150, 150], centers=None, n_features=5, cluster_std=3.2, random_state=12)
    warp = np.sin(x[:, :1] / 3) * 4
    x = np.hstack([x + warp, x[:, 1:2] * x[:, 2:3] / 8])
    return train_test_split(x, y, test_size=0.3, stratify=y, random_state=0)


class Grower(nn.Module):
    def __init__(self, features, classes):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(features, 32), nn.ReLU(), nn.Linear(32, 32), nn.ReLU())
        self.scores = nn.Linear(32, classes)

    def forward(self, x):
        return self.scores(self.body(x))


def accuracy(net, x, y):
    net.eval()
    with torch.no_grad():
        return (net(x).argmax(dim=1) == y).float().mean().item()


def fit(net, loader, epochs):
    criterion = nn.CrossEntropyLoss()
    opt = torch.optim.Adam(net.parameters(), lr=2e-3)
    for epoch in range(epochs):
        net.train()
        for xb, yb in loader:
            loss = criterion(net(xb), yb)
            opt.zero_grad()
            loss.backward()
            opt.step()
        if (epoch + 1) % 10 == 0:
            print(f"[{epoch + 1}] loss={loss.item():.3f}")


if __name__ == "__main__":
    torch.manual_seed(0)
    x_tr, x_te, y_tr, y_te = build()
    centre, spread = x_tr.mean(axis=0), x_tr.std(axis=0)
    to_x = lambda a: torch.tensor((a - centre) / spread, dtype=torch.float32)  # noqa: E731
    train = TensorDataset(to_x(x_tr), torch.tensor(y_tr))
    net = Grower(x_tr.shape[1], 4)
    fit(net, DataLoader(train, batch_size=32, shuffle=True), 50)
    print(f"train accuracy {accuracy(net, *train.tensors):.3f}")
    print(f"test accuracy  {accuracy(net, to_x(x_te), torch.tensor(y_te)):.3f}")
