"""Separate two interleaved half moons (classification)."""

import numpy as np
import torch
from sklearn.datasets import make_moons
from sklearn.model_selection import train_test_split
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(10)
np.random.seed(10)

X, labels = make_moons(n_samples=1200, noise=0.15, random_state=10)
X = (X - X.mean(axis=0)) / X.std(axis=0)
X_train, X_test, t_train, t_test = train_test_split(X, labels, test_size=0.25, random_state=10, stratify=labels)

train_data = TensorDataset(
    torch.tensor(X_train, dtype=torch.float32),
    torch.tensor(t_train, dtype=torch.float32).unsqueeze(1),
)
train_loader = DataLoader(train_data, batch_size=32, shuffle=True)


class MoonClassifier(nn.Module):
    def __init__(self, hidden=24):
        super().__init__()
        self.fc1 = nn.Linear(2, hidden)
        self.fc2 = nn.Linear(hidden, hidden)
        self.fc3 = nn.Linear(hidden, 1)

    def forward(self, x):
        x = self.fc1(x)
        x = self.fc2(x)
        return self.fc3(x)


model = MoonClassifier()
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)


def accuracy(features, targets):
    model.eval()
    with torch.no_grad():
        logits = model(torch.tensor(features, dtype=torch.float32)).squeeze(1)
    return ((logits > 0).numpy() == targets).mean()


for epoch in range(1, 41):
    model.train()
    epoch_loss = 0.0
    for xb, tb in train_loader:
        optimizer.zero_grad()
        loss = criterion(model(xb), tb)
        loss.backward()
        optimizer.step()
        epoch_loss += loss.item()
    if epoch % 10 == 0:
        print(f"epoch {epoch}: loss {epoch_loss / len(train_loader):.4f}, accuracy {accuracy(X_train, t_train):.3f}")

print(f"test accuracy {accuracy(X_test, t_test):.3f}")
