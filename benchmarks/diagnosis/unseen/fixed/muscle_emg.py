"""Grip force from short windows of two-channel surface EMG."""

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def record(trials, samples=24, seed=0):
    rng = np.random.default_rng(seed)
    flexor = rng.uniform(0.1, 1.6, trials)
    extensor = rng.uniform(0.1, 1.6, trials)
    phase = rng.uniform(0, 2 * np.pi, (trials, 2, 1))
    t = np.arange(samples) / samples
    wave = np.sin(2 * np.pi * 3 * t + phase) + 0.2 * rng.normal(size=(trials, 2, samples))
    emg = np.stack([flexor, extensor], axis=1)[:, :, None] * wave
    force = flexor**1.3 - 0.5 * extensor**1.3 + 0.02 * rng.normal(size=trials)
    force = (force - force.mean()) / force.std()
    return torch.tensor(emg, dtype=torch.float32), torch.tensor(force, dtype=torch.float32)


class Encoder(nn.Module):
    def __init__(self, channels=2, samples=24, width=64):
        super().__init__()
        self.flatten = nn.Flatten()
        self.fc1 = nn.Linear(channels * samples, width)
        self.fc2 = nn.Linear(width, width)

    def forward(self, x):
        x = torch.relu(self.fc1(self.flatten(x)))
        return torch.relu(self.fc2(x))


class GripNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = Encoder()
        self.head = nn.Linear(64, 1)

    def forward(self, x):
        return self.head(self.encoder(x)).squeeze(1)


def run(epochs=60, lr=1e-3):
    torch.manual_seed(9)
    x, y = record(2400, seed=9)
    x_train, y_train, x_test, y_test = x[:2000], y[:2000], x[2000:], y[2000:]
    loader = DataLoader(TensorDataset(x_train, y_train), batch_size=64, shuffle=True)
    net = GripNet()
    optimizer = torch.optim.Adam(net.parameters(), lr=lr)
    history = []
    for epoch in range(epochs):
        net.train()
        batch_losses = []
        for emg, force in loader:
            optimizer.zero_grad()
            loss = nn.functional.mse_loss(net(emg), force)
            loss.backward()
            optimizer.step()
            batch_losses.append(loss.item())
        history.append(sum(batch_losses) / len(batch_losses))
        if epoch % 10 == 0:
            print(f"epoch {epoch:2d} loss {history[-1]:.4f}")
    net.eval()
    with torch.no_grad():
        left = nn.functional.mse_loss(net(x_test), y_test)
    return 1 - (left / y_test.var(unbiased=False)).item()


if __name__ == "__main__":
    print(f"held-out R2 {run():.3f}")
