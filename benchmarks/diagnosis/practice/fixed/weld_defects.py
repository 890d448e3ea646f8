"""Sort weld images by defect from twelve ultrasonic features; five kinds of defect."""

import torch
from sklearn.datasets import make_classification
from sklearn.model_selection import train_test_split
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(4)
X, labels = make_classification(
    n_samples=1500,
    n_features=12,
    n_informative=8,
    n_redundant=2,
    n_classes=5,
    weights=[0.4, 0.25, 0.15, 0.1, 0.1],
    class_sep=1.8,
    random_state=4,
)
X_tr, X_te, l_tr, l_te = train_test_split(X, labels, test_size=0.25, stratify=labels, random_state=4)
mean, std = X_tr.mean(0), X_tr.std(0)


def to_tensors(x, lab):
    return torch.tensor((x - mean) / std, dtype=torch.float32), torch.tensor(lab)


class Classifier(nn.Module):
    def __init__(self, n_in, n_classes):
        super().__init__()
        self.net = nn.Sequential(
            nn.Linear(n_in, 64),
            nn.ReLU(),
            nn.Dropout(0.1),
            nn.Linear(64, 64),
            nn.ReLU(),
            nn.Linear(64, n_classes),
        )

    def forward(self, x):
        return self.net(x)


def accuracy(model, x, lab):
    model.eval()
    with torch.no_grad():
        return (model(x).argmax(dim=1) == lab).float().mean().item()


train_x, train_l = to_tensors(X_tr, l_tr)
test_x, test_l = to_tensors(X_te, l_te)
loader = DataLoader(TensorDataset(train_x, train_l), batch_size=64, shuffle=True)

model = Classifier(12, 5)
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
for epoch in range(40):
    model.train()
    for xb, lb in loader:
        optimizer.zero_grad()
        loss = criterion(model(xb), lb)
        loss.backward()
        optimizer.step()
    if epoch % 8 == 7:
        print(f"epoch {epoch + 1}: loss {loss.item():.3f}  train acc {accuracy(model, train_x, train_l):.3f}")

print(f"test accuracy {accuracy(model, test_x, test_l):.3f}")
