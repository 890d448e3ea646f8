"""Tell four modulation types apart from short noisy baseband bursts."""

import numpy as np
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset

KINDS = ["ask", "bpsk", "fsk", "chirp"]
LENGTH = 32


def burst(kind, rng):
    t = np.arange(LENGTH)
    phase = rng.uniform(0, 2 * np.pi)
    bits = np.repeat(rng.integers(0, 2, LENGTH // 4), 4)
    if kind == "ask":
        wave = (0.3 + 0.9 * bits) * np.exp(1j * phase)
    elif kind == "bpsk":
        wave = (2 * bits - 1) * np.exp(1j * phase)
    elif kind == "fsk":
        wave = np.exp(1j * (phase + np.cumsum(0.35 * (2 * bits - 1))))
    else:
        wave = np.exp(1j * (phase + rng.choice([-1, 1]) * 0.02 * t**2))
    return wave + 0.35 * (rng.standard_normal(LENGTH) + 1j * rng.standard_normal(LENGTH))


def features(wave):
    step = wave[1:] * np.conj(wave[:-1])
    return np.concatenate([np.abs(wave), step.real, step.imag])


def dataset(n, rng):
    labels = rng.integers(0, len(KINDS), n)
    x = np.stack([features(burst(KINDS[k], rng)) for k in labels])
    return TensorDataset(torch.tensor(x, dtype=torch.float32), torch.tensor(labels))


class BurstClassifier(nn.Module):
    def __init__(self, n_in, hidden=128, drop=0.4):
        super().__init__()
        self.norm = nn.BatchNorm1d(n_in)
        self.fc1 = nn.Linear(n_in, hidden)
        self.fc2 = nn.Linear(hidden, hidden)
        self.drop = nn.Dropout(drop)
        self.logits = nn.Linear(hidden, len(KINDS))

    def forward(self, x):
        h = self.drop(torch.relu(self.fc1(self.norm(x))))
        h = self.drop(torch.relu(self.fc2(h)))
        return self.logits(h)


def evaluate(model, data):
    model.eval()
    x, labels = data.tensors
    with torch.no_grad():
        return (model(x).argmax(dim=1) == labels).float().mean().item()


if __name__ == "__main__":
    rng = np.random.default_rng(50)
    torch.manual_seed(50)
    train, test = dataset(6000, rng), dataset(1000, rng)
    model = BurstClassifier(train.tensors[0].shape[1])
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=1e-2)
    criterion = nn.CrossEntropyLoss()
    for epoch in range(20):
        model.train()
        running = 0.0
        for xb, labels in DataLoader(train, batch_size=100, shuffle=True):
            optimizer.zero_grad()
            loss = criterion(model(xb), labels)
            loss.backward()
            optimizer.step()
            running += loss.item() / 60
        if epoch % 5 == 4:
            print(f"epoch {epoch + 1:2d}  loss {running:.3f}  test accuracy {evaluate(model, test):.3f}")
    print(f"test accuracy: {evaluate(model, test):.3f}")
