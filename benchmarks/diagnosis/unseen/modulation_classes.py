import numpy as np
import torch
from sklearn.metrics import accuracy_score, confusion_matrix
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

rng = np.random.default_rng(99)
torch.manual_seed(99)
KINDS = ["sine", "am", "fm", "noise burst"]


def signal(kind):
    t = np.linspace(0, 1, 128)
    f = rng.uniform(15, 17)
    ph = rng.uniform(0, 2 * np.pi)
    if kind == 0:
        s = np.sin(2 * np.pi * f * t + ph)
    elif kind == 1:
        s = (1 + 0.9 * np.sin(2 * np.pi * rng.uniform(2, 4) * t)) * np.sin(2 * np.pi * f * t + ph)
    elif kind == 2:
        s = np.sin(2 * np.pi * f * t + 2.5 * np.sin(2 * np.pi * rng.uniform(2, 4) * t) + ph)
    else:
        s = rng.normal(0, 1, 128) * np.exp(-(((t - rng.uniform(0.3, 0.7)) / 0.15) ** 2))
    return s + rng.normal(0, 0.5, 128)


kinds = rng.integers(0, 4, 2400)
spec = np.array([np.log(np.abs(np.fft.rfft(signal(k)))[:40] + 0.1) for k in kinds])
X, y = torch.tensor(spec, dtype=torch.float32), torch.tensor(kinds)
loader = DataLoader(TensorDataset(X[:2000], y[:2000]), batch_size=100, shuffle=True)

net = nn.Sequential(
    nn.BatchNorm1d(40),
    nn.Linear(40, 96),
    nn.BatchNorm1d(96),
    nn.ReLU(),
    nn.Dropout(0.3),
    nn.Linear(96, len(KINDS)),
)
criterion = nn.CrossEntropyLoss(label_smoothing=0.05)
optimizer = torch.optim.AdamW(net.parameters(), lr=3e-3, weight_decay=1e-2)
for epoch in range(30):
    net.train()
    total = 0.0
    for xb, yb in loader:
        loss = criterion(net(xb), yb)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item() * len(xb)
    net.eval()
    with torch.no_grad():
        guess = net(X[2000:]).argmax(1)
    if epoch % 6 == 5:
        print(f"epoch {epoch + 1:2d}  loss {total / 2000:.3f}  acc {accuracy_score(y[2000:], guess):.3f}")

print(confusion_matrix(y[2000:], guess))
print("accuracy:", accuracy_score(y[2000:], guess))
