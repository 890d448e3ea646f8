"""Largest tension in a hanging cable from span, sag, weight and ice load."""

import math

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, random_split

EPOCHS = 120
BATCH_SIZE = 64
ACCUMULATE = 4


def spans(n):
    span = 50.0 + 250.0 * torch.rand(n)  # m
    sag = span * (0.02 + 0.06 * torch.rand(n))  # m
    weight = 5.0 + 10.0 * torch.rand(n)  # N/m
    ice = 8.0 * torch.rand(n) * (torch.rand(n) > 0.4)  # N/m
    load = weight + ice
    horizontal = load * span**2 / (8.0 * sag)
    tension = torch.sqrt(horizontal**2 + (load * span / 2.0) ** 2) / 1000.0
    inputs = torch.stack([(span - 175.0) / 72.0, (sag / span - 0.05) / 0.0173, (weight - 10.0) / 2.9, ice / 3.0], 1)
    return inputs, torch.log(tension).unsqueeze(1) * (1.0 + 0.01 * torch.randn(n, 1))


def initialise(module):
    if isinstance(module, nn.Linear) and module.out_features > 1:
        nn.init.xavier_normal_(module.weight)
        nn.init.zeros_(module.bias)


def main():
    torch.manual_seed(33)
    dataset = TensorDataset(*spans(1000))
    train_set, test_set = random_split(dataset, [768, 232])
    loader = DataLoader(train_set, batch_size=BATCH_SIZE, shuffle=True)

    net = nn.Sequential(nn.Linear(4, 32), nn.Tanh(), nn.Linear(32, 32), nn.Tanh(), nn.Linear(32, 1))
    net.apply(initialise)
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-2)
    optimizer.zero_grad()
    for epoch in range(EPOCHS):
        running = 0.0
        for i, (inputs, targets) in enumerate(loader):
            loss = nn.functional.mse_loss(net(inputs), targets)
            (loss / ACCUMULATE).backward()
            running += loss.item()
            if (i + 1) % ACCUMULATE == 0:
                optimizer.step()
                optimizer.zero_grad()
        if epoch % 20 == 0:
            print(f"epoch {epoch}: {running / len(loader):.4f}")

    inputs, targets = test_set[:]
    with torch.no_grad():
        rmse = math.sqrt(nn.functional.mse_loss(net(inputs), targets).item())
    print(f"test RMSE {rmse:.4f} (log kN)   R2 {1.0 - rmse**2 / targets.var(correction=0).item():.3f}")


if __name__ == "__main__":
    main()
