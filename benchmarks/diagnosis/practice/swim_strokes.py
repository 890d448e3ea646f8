# Stroke recognition from wrist sensor features, four classes
import torch
from sklearn.datasets import make_classification
from sklearn.model_selection import train_test_split
from torch import nn, optim
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(1)
features, stroke = make_classification(
    n_samples=2400,
    n_features=12,
    n_informative=6,
    n_redundant=3,
    n_classes=4,
    n_clusters_per_class=2,
    class_sep=1.3,
    flip_y=0.04,
    random_state=1,
)
xa, xb, ya, yb = train_test_split(features, stroke, test_size=0.25, stratify=stroke, random_state=1)
xa, xb = torch.tensor(xa, dtype=torch.float32), torch.tensor(xb, dtype=torch.float32)
ya, yb = torch.tensor(ya), torch.tensor(yb)

net = nn.Sequential(
    nn.Linear(12, 64),
    nn.BatchNorm1d(64),
    nn.ReLU(),
    nn.Dropout(0.2),
    nn.Linear(64, 64),
    nn.ReLU(),
    nn.Dropout(0.2),
    nn.Linear(64, 4),
)
loader = DataLoader(TensorDataset(xa, ya), batch_size=60, shuffle=True)
opt = optim.SGD(net.parameters(), lr=0.05, momentum=0.9, weight_decay=1e-4)
sched = optim.lr_scheduler.MultiStepLR(opt, [25, 35], gamma=0.2)
ACCUMULATE = 2
best, patience = 0.0, 0
for epoch in range(45):
    net.train()
    opt.zero_grad()
    for i, (x, y) in enumerate(loader, start=1):
        loss = nn.functional.cross_entropy(net(x), y) / ACCUMULATE
        loss.backward()
        if i % ACCUMULATE == 0:
            opt.step()
            opt.zero_grad()
    sched.step()
    net.eval()
    with torch.no_grad():
        acc = (net(xb).argmax(1) == yb).float().mean().item()
    if acc > best:
        best, patience = acc, 0
    else:
        patience += 1
    if epoch % 9 == 8:
        print(f"epoch {epoch + 1}: loss {loss.item() * ACCUMULATE:.3f} accuracy {acc:.3f}")
    if patience > 25:
        print("no progress for 25 epochs, stopping at", epoch + 1)
        break
print(f"accuracy {acc:.3f}, best {best:.3f}")
