"""Wear depth of gear teeth from envelope-spectrum features of the housing vibration."""

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, random_split


def simulate(count):
    load = torch.rand(count) * 2 - 1
    speed = torch.rand(count) * 2 - 1
    oil = torch.rand(count) * 2 - 1
    wear = torch.rand(count) * 2 - 1
    carrier = 2.0 * speed + 0.6 * load
    mesh = (1.2 + wear) * torch.cos(carrier)
    quad = (1.2 + wear) * torch.sin(carrier)
    sideband = 0.7 * load - 0.5 * oil
    features = torch.stack([mesh, quad, speed, load, sideband], dim=1)
    features = features + 0.03 * torch.randn_like(features)
    features = (features - features.mean(0)) / features.std(0)
    target = wear + 0.4 * oil * load
    return features, ((target - target.mean()) / target.std()).unsqueeze(1)


def block(width_in, width_out):
    return nn.Sequential(nn.Linear(width_in, width_out), nn.BatchNorm1d(width_out), nn.ReLU())


class WearNet(nn.Module):
    def __init__(self, inputs=5, width=32, depth=9):
        super().__init__()
        self.stack = nn.Sequential(block(inputs, width), *(block(width, width) for _ in range(depth - 1)))
        self.head = nn.Linear(width, 1)

    def forward(self, x):
        return self.head(self.stack(x))


def validate(model, loader):
    model.eval()
    guesses, truths = [], []
    with torch.no_grad():
        for xb, yb in loader:
            guesses.append(model(xb))
            truths.append(yb)
    guess, truth = torch.cat(guesses), torch.cat(truths)
    return 1 - ((guess - truth) ** 2).mean().item() / truth.var(unbiased=False).item()


def train_epoch(model, loader, optimizer, loss_fn):
    model.train()
    total = 0.0
    for xb, yb in loader:
        optimizer.zero_grad(set_to_none=True)
        loss = loss_fn(model(xb), yb)
        loss.backward()
        optimizer.step()
        total += loss.item() * len(xb)
    return total / len(loader.dataset)


torch.manual_seed(15)
x, y = simulate(1600)
train_set, val_set = random_split(TensorDataset(x, y), [1200, 400])
train_loader = DataLoader(train_set, batch_size=100, shuffle=True)
val_loader = DataLoader(val_set, batch_size=400)

model = WearNet()
optimizer = torch.optim.SGD(model.parameters(), lr=0.02, momentum=0.9)
print(f"before training: R2 {validate(model, val_loader):.3f}")
for epoch in range(45):
    train_loss = train_epoch(model, train_loader, optimizer, nn.MSELoss())
    r2 = validate(model, val_loader)
    if epoch % 9 == 8:
        print(f"epoch {epoch + 1}: train {train_loss:.4f}  val R2 {r2:.3f}")
print(f"final val R2 {validate(model, val_loader):.3f}")
