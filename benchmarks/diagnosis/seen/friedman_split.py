"""MLP on the Friedman #1 problem with a random validation split."""

import torch
from sklearn.datasets import make_friedman1
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, random_split

torch.manual_seed(0)

X, y = make_friedman1(n_samples=360, n_features=10, noise=3.0, random_state=0)
X = torch.tensor(X, dtype=torch.float32) * 2 - 1
y = torch.tensor((y - y.mean()) / y.std(), dtype=torch.float32)

dataset = TensorDataset(X, y)
train_set, val_set = random_split(dataset, [240, 120], generator=torch.Generator().manual_seed(1))
loaders = {
    "train": DataLoader(dataset, batch_size=30, shuffle=True),
    "val": DataLoader(val_set, batch_size=120),
}


class Regressor(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden1 = nn.Linear(10, 128)
        self.hidden2 = nn.Linear(128, 128)
        self.output = nn.Linear(128, 1)
        self.act = nn.SiLU()

    def forward(self, x):
        return self.output(self.act(self.hidden2(self.act(self.hidden1(x))))).squeeze(-1)


model = Regressor()
optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=1e-3)
criterion = nn.MSELoss()


def validate():
    model.eval()
    with torch.no_grad():
        xv, yv = next(iter(loaders["val"]))
        out = model(xv)
        mse = criterion(out, yv)
    return mse.item(), (1 - mse / yv.var(unbiased=False)).item()


for epoch in range(1, 101):
    model.train()
    for xb, yb in loaders["train"]:
        optimizer.zero_grad()
        loss = criterion(model(xb), yb)
        loss.backward()
        optimizer.step()
    if epoch % 20 == 0:
        val_loss, val_r2 = validate()
        print(f"epoch {epoch:3d} | train {loss.item():.4f} | val {val_loss:.4f} | val R2 {val_r2:.3f}")

print(f"validation R2: {validate()[1]:.3f}")
