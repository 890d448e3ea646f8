import numpy as np
import torch
from torch import nn

ACCUMULATE = 4


def bursts(n, rng):
    t = np.arange(48) / 48
    label = rng.integers(0, 2, n)
    phase = rng.uniform(0, 2 * np.pi, (n, 1))
    hum = np.sin(2 * np.pi * 3 * t + phase)
    knock_at = rng.uniform(0.1, 0.8, (n, 1))
    knock = np.exp(-np.maximum(t - knock_at, 0) * 12) * (t > knock_at) * np.sin(2 * np.pi * 11 * (t - knock_at))
    signal = hum + 2.0 * label[:, None] * knock + 0.25 * rng.standard_normal((n, 48))
    return torch.tensor(signal, dtype=torch.float32), torch.tensor(label, dtype=torch.float32)


class Detector(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv1d(1, 12, kernel_size=9, padding=4)
        self.norm = nn.BatchNorm1d(12)
        self.conv2 = nn.Conv1d(12, 12, kernel_size=5, padding=2)
        self.fc = nn.Linear(12, 1)

    def forward(self, x):
        h = torch.relu(self.norm(self.conv(x.unsqueeze(1))))
        h = torch.relu(self.conv2(h))
        return self.fc(h.amax(dim=2)).squeeze(1)


def accuracy(model, x, y):
    model.eval()
    with torch.no_grad():
        return ((model(x) > 0) == (y > 0.5)).float().mean().item()


torch.manual_seed(90)
rng = np.random.default_rng(90)
x_train, y_train = bursts(1600, rng)
x_test, y_test = bursts(600, rng)
model = Detector()
criterion = nn.BCEWithLogitsLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)

for epoch in range(16):
    model.train()
    parts = torch.randperm(len(x_train)).split(25)
    running = 0.0
    for i, rows in enumerate(parts):
        loss = criterion(model(x_train[rows]), y_train[rows]) / ACCUMULATE
        loss.backward()
        running += loss.item() * ACCUMULATE
        if (i + 1) % ACCUMULATE == 0:
            optimizer.step()
            optimizer.zero_grad()
    if epoch % 4 == 3:
        print(
            f"epoch {epoch + 1}: loss {running / len(parts):.4f} train accuracy {accuracy(model, x_train, y_train):.3f}"
        )

print(f"test accuracy {accuracy(model, x_test, y_test):.3f}")
