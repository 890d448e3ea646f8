"""Frequency of a tone in a short noisy record, estimated with a small convolutional network."""

import math

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(52)
LENGTH, ACCUMULATE = 48, 4


def tones(n):
    frequency = 0.04 + 0.36 * torch.rand(n)
    phase = 2 * math.pi * torch.rand(n)
    steps = torch.arange(LENGTH)
    clean = torch.sin(2 * math.pi * frequency[:, None] * steps + phase[:, None])
    return clean + 0.3 * torch.randn(n, LENGTH), (frequency - 0.22) / 0.1


class ToneNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Sequential(
            nn.Conv1d(1, 12, 7, padding=3), nn.ReLU(), nn.Conv1d(12, 16, 7, padding=3), nn.ReLU(), nn.AvgPool1d(LENGTH)
        )
        self.readout = nn.Sequential(nn.Linear(16, 32), nn.ReLU(), nn.Linear(32, 1))

    def forward(self, wave):
        return self.readout(self.conv(wave.unsqueeze(1)).flatten(1)).squeeze(1)


wave_train, f_train = tones(1600)
wave_test, f_test = tones(400)
loader = DataLoader(TensorDataset(wave_train, f_train), batch_size=20, shuffle=True)

net = ToneNet()
criterion = nn.MSELoss(reduction="sum")
optimizer = torch.optim.Adam(net.parameters(), lr=4e-3)
scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=8e-3, total_steps=25 * (80 // ACCUMULATE))

for epoch in range(25):
    total = 0.0
    optimizer.zero_grad()
    for i, (wave, f) in enumerate(loader, start=1):
        loss = criterion(net(wave), f)
        loss.backward()
        total += loss.item()
        if i % ACCUMULATE == 0:
            optimizer.step()
            scheduler.step()
            optimizer.zero_grad()
    if epoch % 5 == 4:
        print(f"epoch {epoch + 1:2d}  mean squared error {total / len(wave_train):.4f}")

with torch.no_grad():
    left = net(wave_test) - f_test
print(f"R2 {1 - (left.square().mean() / f_test.var(unbiased=False)).item():.3f}")
