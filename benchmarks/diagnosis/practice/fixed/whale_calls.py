"""Which of twelve call types, from spectral features of a hydrophone recording."""

import torch
from sklearn.datasets import make_classification
from sklearn.model_selection import train_test_split
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

features, calls = make_classification(
    n_samples=2400,
    n_features=20,
    n_informative=12,
    n_redundant=4,
    n_classes=12,
    n_clusters_per_class=1,
    class_sep=2.0,
    flip_y=0.01,
    random_state=6,
)
features = (features - features.mean(0)) / features.std(0)
xa, xb, ya, yb = train_test_split(features, calls, test_size=0.25, random_state=6, stratify=calls)
xa, xb = torch.tensor(xa, dtype=torch.float32), torch.tensor(xb, dtype=torch.float32)
ya, yb = torch.tensor(ya), torch.tensor(yb)


class CallClassifier(nn.Module):
    def __init__(self, n_in, n_out):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(n_in, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU())
        self.out = nn.Linear(64, n_out)

    def forward(self, x):
        return self.out(self.body(x))


torch.manual_seed(6)
net = CallClassifier(20, 12)
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.SGD(net.parameters(), lr=0.05)
loader = DataLoader(TensorDataset(xa, ya), batch_size=36, shuffle=True)
for epoch in range(30):
    for x, y in loader:
        optimizer.zero_grad()
        loss = criterion(net(x), y)
        loss.backward()
        optimizer.step()
    if epoch % 5 == 4:
        with torch.no_grad():
            acc = (net(xb).argmax(1) == yb).float().mean().item()
        print(f"epoch {epoch + 1} loss {loss.item():.3f} accuracy {acc:.3f}")
with torch.no_grad():
    print("accuracy", (net(xb).argmax(1) == yb).float().mean().item())
