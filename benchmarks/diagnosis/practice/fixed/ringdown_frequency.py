"""Natural frequency of a struck bar from a short, noisy ring-down record."""

import math

import torch
from torch import nn

gen = torch.Generator().manual_seed(8)
torch.manual_seed(8)
SAMPLES = 40


def record(n):
    t = torch.linspace(0.0, 1.0, SAMPLES)
    freq = 2.0 + 3.0 * torch.rand(n, 1, generator=gen)
    damping = 0.5 + 2.0 * torch.rand(n, 1, generator=gen)
    amp = 0.7 + 0.6 * torch.rand(n, 1, generator=gen)
    wave = amp * torch.exp(-damping * t) * torch.sin(2.0 * math.pi * freq * t)
    wave = wave + 0.03 * torch.randn(n, SAMPLES, generator=gen)
    return wave, (freq - 3.5) / 0.87


def r_squared(model, x, y):
    model.eval()
    with torch.no_grad():
        pred = model(x)
    return (1.0 - (pred - y).square().sum() / (y - y.mean()).square().sum()).item()


x_train, y_train = record(1600)
x_val, y_val = record(400)
x_test, y_test = record(500)

model = nn.Sequential(
    nn.Linear(SAMPLES, 64),
    nn.ReLU(),
    nn.Dropout(0.7),
    nn.Linear(64, 32),
    nn.ReLU(),
    nn.Dropout(0.7),
    nn.Linear(32, 1),
)
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3, weight_decay=1e-5)
scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=25, gamma=0.5)

for epoch in range(75):
    model.train()
    for rows in torch.randperm(len(x_train)).split(64):
        optimizer.zero_grad()
        loss = nn.functional.mse_loss(model(x_train[rows]), y_train[rows])
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 5.0)
        optimizer.step()
    scheduler.step()
    if (epoch + 1) % 15 == 0:
        print(f"epoch {epoch + 1}: loss {loss.item():.4f}, validation R2 {r_squared(model, x_val, y_val):.3f}")

print(f"test R2 {r_squared(model, x_test, y_test):.3f}")
