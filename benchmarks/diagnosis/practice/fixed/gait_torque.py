"""Knee torque of a walking robot from joint states and gait phase."""

import math

import torch
from torch import nn


class GaitNet(nn.Module):
    def __init__(self, n_in=6, width=64, drop=0.3):
        super().__init__()
        self.trunk = nn.Sequential(
            nn.Linear(n_in, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU(), nn.Dropout(drop)
        )
        self.head = nn.Linear(width, 3)

    def resize(self, width, n_out):
        self.trunk[2] = nn.Linear(self.trunk[0].out_features, width)
        self.head = nn.Linear(width, n_out)
        return self

    def forward(self, x):
        return self.head(self.trunk(x))


def simulate(n):
    phase = torch.rand(n) * 2 * math.pi
    speed = torch.empty(n).uniform_(0.4, 1.6)
    angle = 0.6 + 0.4 * torch.sin(phase) + 0.1 * torch.randn(n)
    rate = 0.4 * speed * torch.cos(phase) * 4 + 0.3 * torch.randn(n)
    payload = torch.rand(n) * 8
    stance = torch.sigmoid(6 * torch.cos(phase))
    torque = stance * (22 + 2.5 * payload) * torch.sin(angle) * (1 + 0.3 * speed**2) - 2.5 * rate * (1 - stance)
    x = torch.stack([torch.sin(phase), torch.cos(phase), speed, angle, rate, payload / 4], 1)
    return x, torque + 0.5 * torch.randn(n)


def build(width):
    model = GaitNet()
    model.resize(width, 1)
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    return model, optimizer


def score(model, x, y):
    was_training = model.training
    model.eval()
    with torch.no_grad():
        err = model(x).squeeze(1) - y
    model.train(was_training)
    return 1 - (err**2).sum().item() / ((y - y.mean()) ** 2).sum().item()


def main():
    torch.manual_seed(31)
    x, torque = simulate(2500)
    y = (torque - torque[:2000].mean()) / torque[:2000].std()
    model, optimizer = build(width=32)
    model.train()
    for epoch in range(60):
        for idx in torch.randperm(2000).split(100):
            optimizer.zero_grad()
            loss = nn.functional.mse_loss(model(x[idx]).squeeze(1), y[idx])
            loss.backward()
            optimizer.step()
        if epoch % 15 == 0:
            print(f"{epoch}: loss {loss.item():.4f}, R2 {score(model, x[2000:], y[2000:]):.3f}")
    final = score(model, x[2000:], y[2000:])
    print(f"R2 on held-out strides {final:.3f}")


if __name__ == "__main__":
    main()
