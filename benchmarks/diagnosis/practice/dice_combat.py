"""Who wins a dice battle: attacker, defender, or a draw after eight rounds."""

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def battle(att, dfd, bonus, wall, rng):
    for _ in range(8):
        a = np.sort(rng.integers(1, 7, 3))[::-1] + bonus
        d = np.sort(rng.integers(1, 7, 2))[::-1] + wall
        hits = int((a[:2] > d).sum())
        dfd, att = dfd - hits, att - (2 - hits)
        if dfd <= 0:
            return 0
        if att <= 0:
            return 1
    return 2


def play(n, rng):
    setup = np.column_stack(
        [rng.integers(2, 16, n), rng.integers(2, 16, n), rng.integers(0, 3, n), rng.integers(0, 3, n)]
    )
    return setup, np.array([battle(*row, rng) for row in setup])


def main():
    torch.manual_seed(2)
    setup, outcome = play(3500, np.random.default_rng(2))
    x = torch.tensor(setup / np.array([8.0, 8.0, 1.0, 1.0]) - 1, dtype=torch.float32)
    y = torch.from_numpy(outcome).long()
    loader = DataLoader(TensorDataset(x[:2800], y[:2800]), batch_size=70, shuffle=True)
    net = nn.Sequential(nn.Linear(4, 40), nn.LeakyReLU(), nn.Linear(40, 40), nn.LeakyReLU(), nn.Linear(40, 3))
    optimizer = torch.optim.AdamW(net.parameters(), lr=5e-3)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=12, gamma=0.3)
    for epoch in range(36):
        for xb, yb in loader:
            loss = nn.functional.cross_entropy(net(xb), yb)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        scheduler.step()
        if epoch % 9 == 0:
            print(f"epoch {epoch} loss {loss.item():.3f}")
    with torch.no_grad():
        accuracy = (net(x[2800:]).argmax(1) == y[2800:]).float().mean().item()
    print(f"accuracy {accuracy:.3f}")


if __name__ == "__main__":
    main()
