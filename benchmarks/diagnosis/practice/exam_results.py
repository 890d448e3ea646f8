import copy

import numpy as np
import torch
from torch import nn


def students(n, rng):
    school = rng.integers(0, 6, n)
    hours = rng.gamma(4.0, 2.0, n)
    sleep = rng.normal(7.0, 1.1, n)
    absences = rng.poisson(3.0, n)
    base = np.array([-4.0, 0.0, 2.0, 5.0, -1.0, 3.0])[school]
    grade = 45 + base + 22 * np.tanh(hours / 10) - 2.0 * (sleep - 7.5) ** 2 - 1.2 * absences
    grade += rng.normal(0, 6.0, n)
    return school, np.column_stack([hours, sleep, absences]), grade


class GradeNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.school = nn.Embedding(6, 3)
        self.net = nn.Sequential(nn.Linear(6, 64), nn.ReLU(), nn.Dropout(0.2), nn.Linear(64, 32), nn.ReLU())
        self.out = nn.Linear(32, 1)

    def forward(self, school, numbers):
        return self.out(self.net(torch.cat([self.school(school), numbers], dim=1))).squeeze(1)


class EarlyStopper:
    def __init__(self, patience):
        self.patience, self.best, self.wait, self.state = patience, float("inf"), 0, None

    def update(self, value, model):
        if value < self.best:
            self.best, self.wait, self.state = value, 0, copy.deepcopy(model.state_dict())
        else:
            self.wait += 1
        return self.wait >= self.patience


rng = np.random.default_rng(88)
torch.manual_seed(88)
school, numbers, grade = students(2400, rng)
fit, val, test = slice(0, 1600), slice(1600, 2000), slice(2000, 2400)
school = torch.tensor(school)
numbers = torch.tensor((numbers - numbers[fit].mean(0)) / numbers[fit].std(0), dtype=torch.float32)
y = torch.tensor((grade - grade[fit].mean()) / grade[fit].std(), dtype=torch.float32)

model = GradeNet()
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3, weight_decay=1e-4)
criterion = nn.HuberLoss()
stopper = EarlyStopper(patience=15)
for epoch in range(120):
    model.train()
    for rows in torch.randperm(1600).split(64):
        optimizer.zero_grad()
        criterion(model(school[rows], numbers[rows]), y[rows]).backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        val_loss = criterion(model(school[val], numbers[val]), y[val]).item()
    if epoch % 10 == 0:
        print(f"epoch {epoch}: validation loss {val_loss:.4f}")
    if stopper.update(val_loss, model):
        print(f"stopped after epoch {epoch}")
        break

model.load_state_dict(stopper.state)
model.eval()
with torch.no_grad():
    pred = model(school[test], numbers[test])
print(f"test R2 {1 - ((y[test] - pred) ** 2).mean().item() / y[test].var(unbiased=False).item():.3f}")
