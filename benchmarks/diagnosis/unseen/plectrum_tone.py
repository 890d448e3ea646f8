"""Damping of a plucked string from its spectrum: an autoencoder on unlabelled tones, then a small regressor."""

import torch
import torch.nn as nn

torch.manual_seed(40)
BINS = 48


def spectra(count):
    pitch = torch.rand(count) * 8 + 6
    damping = torch.rand(count)
    place = torch.rand(count) * 0.35 + 0.12
    bins = torch.arange(BINS).float()
    spectrum = torch.zeros(count, BINS)
    for k in (1, 2, 3):
        strength = torch.sin(torch.pi * k * place).abs() * torch.exp(-0.5 * k * damping)
        line = torch.exp(-0.5 * ((bins - k * pitch[:, None]) / (1.2 + damping[:, None])) ** 2)
        spectrum = spectrum + strength[:, None] * line
    return spectrum + 0.01 * torch.randn(count, BINS), damping


class Encoder(nn.Module):
    def __init__(self, code=20):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(BINS, 96), nn.ReLU(), nn.Linear(96, code))

    def forward(self, x):
        return self.net(x)


def pretrain(encoder, tones, epochs=40):
    decoder = nn.Sequential(nn.Linear(20, 96), nn.ReLU(), nn.Linear(96, BINS))
    optimizer = torch.optim.Adam([*encoder.parameters(), *decoder.parameters()], lr=2e-3)
    for epoch in range(epochs):
        for rows in torch.randperm(len(tones)).split(100):
            loss = (decoder(encoder(tones[rows])) - tones[rows]).pow(2).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        if epoch % 15 == 0:
            print(f"pretraining {epoch}: reconstruction {loss.item():.5f}")


tones, _ = spectra(3000)
labelled, damping = spectra(1500)
test_tones, test_damping = spectra(500)

encoder = Encoder()
pretrain(encoder, tones)
encoder.requires_grad_(False)

model = nn.Sequential(encoder, nn.Linear(20, 64), nn.Tanh(), nn.Linear(64, 64), nn.Tanh(), nn.Linear(64, 1))
head = [p for p in model.parameters() if p.requires_grad]
optimizer = torch.optim.Adam(head, lr=6e-3)
scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 80)
for epoch in range(80):
    for rows in torch.randperm(len(labelled)).split(100):
        loss = (model(labelled[rows]).squeeze(1) - damping[rows]).pow(2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    scheduler.step()
    if epoch % 20 == 0:
        print(f"regressor {epoch}: mse {loss.item():.5f}")

with torch.no_grad():
    rest = (model(test_tones).squeeze(1) - test_damping).pow(2).mean()
print(f"R2 {1 - (rest / test_damping.var()).item():.3f}")
