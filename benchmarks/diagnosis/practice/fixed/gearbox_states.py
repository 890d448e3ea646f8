"""Three states of a gearbox (sound, imbalance, chipped tooth) from spectra of short vibration records."""

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def records(n, rng, rate=1024, length=128):
    t = np.arange(length) / rate
    state = rng.integers(0, 3, n)
    shaft = rng.uniform(24, 34, n)[:, None]
    phase = rng.uniform(0, 2 * np.pi, (n, 3))
    signal = 0.8 * np.sin(2 * np.pi * 11 * shaft * t + phase[:, :1])
    signal += np.where(state == 1, 0.9, 0.25)[:, None] * np.sin(2 * np.pi * shaft * t + phase[:, 1:2])
    knock = np.maximum(0, np.sin(2 * np.pi * shaft * t + phase[:, 2:])) ** 20
    signal += np.where(state == 2, 1.8, 0.0)[:, None] * knock * np.sin(2 * np.pi * 190 * t)
    signal += rng.normal(0, 0.3, signal.shape)
    spectrum = np.log1p(np.abs(np.fft.rfft(signal, axis=1)))
    return spectrum, state


class Classifier(nn.Module):
    def __init__(self, bins, classes=3):
        super().__init__()
        self.hidden1 = nn.Linear(bins, 48)
        self.hidden2 = nn.Linear(48, 24)
        self.logits = nn.Linear(24, classes)

    def forward(self, x):
        x = F.relu(self.hidden1(x))
        x = F.relu(self.hidden2(x))
        return self.logits(x)


def main():
    rng = np.random.default_rng(77)
    torch.manual_seed(77)
    spectra, state = records(1500, rng)
    mean, std = spectra[:1200].mean(0), spectra[:1200].std(0)
    x = torch.tensor((spectra - mean) / std, dtype=torch.float32)
    y = torch.tensor(state)
    loader = DataLoader(TensorDataset(x[:1200], y[:1200]), batch_size=60, shuffle=True)

    net = Classifier(x.shape[1])
    optimizer = torch.optim.Adam(net.parameters(), lr=2e-3)
    for epoch in range(1, 21):
        for xb, yb in loader:
            optimizer.zero_grad()
            loss = F.cross_entropy(net(xb), yb)
            loss.backward()
            optimizer.step()
        if epoch % 4 == 0:
            with torch.no_grad():
                hits = (net(x[:1200]).argmax(1) == y[:1200]).float().mean().item()
            print(f"epoch {epoch}: loss {loss.item():.4f}, training accuracy {hits:.3f}")

    with torch.no_grad():
        accuracy = (net(x[1200:]).argmax(1) == y[1200:]).float().mean().item()
    print(f"accuracy on the last 300 records: {accuracy:.3f}")


if __name__ == "__main__":
    main()
