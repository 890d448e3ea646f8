"""Grip force model: learn on the simulator, adapt to the few recordings from the real gripper."""

import torch
from torch import nn


def grip_force(x, stiffness, friction):
    squeeze, angle, radius, slip = x.T
    contact = stiffness * torch.relu(squeeze - 0.3 * radius) ** 1.5
    return contact * torch.cos(angle) - friction * torch.tanh(4 * slip) + 0.4 * torch.sin(3 * angle)


def sample(n, stiffness, friction, noise):
    x = torch.rand(n, 4) * torch.tensor([2.0, 2.0, 1.5, 2.0]) - torch.tensor([0.0, 1.0, 0.0, 1.0])
    return x, (grip_force(x, stiffness, friction) + noise * torch.randn(n)).unsqueeze(1)


def fit(net, parameters, x, y, epochs, lr, batch=64):
    optimizer = torch.optim.Adam(parameters, lr=lr)
    for epoch in range(epochs):
        for idx in torch.randperm(len(x)).split(batch):
            optimizer.zero_grad()
            loss = nn.functional.mse_loss(net(x[idx]), y[idx])
            loss.backward()
            optimizer.step()
        if epoch % 20 == 0:
            print(f"  epoch {epoch} loss {loss.item():.4f}")


torch.manual_seed(19)
sim_x, sim_y = sample(2500, stiffness=1.5, friction=0.5, noise=0.02)
real_x, real_y = sample(700, stiffness=1.9, friction=0.8, noise=0.1)
backbone = nn.Sequential(nn.Linear(4, 64), nn.Tanh(), nn.Linear(64, 64), nn.Tanh())
net = nn.Sequential(backbone, nn.Linear(64, 1))

print("simulator")
fit(net, net.parameters(), sim_x, sim_y, epochs=60, lr=3e-3)
for p in backbone.parameters():
    p.requires_grad_(False)
net[1] = nn.Linear(64, 1)
print("real gripper")
fit(net, net[1].parameters(), real_x[:300], real_y[:300], epochs=250, lr=1e-2, batch=50)

with torch.no_grad():
    pred = net(real_x[300:])
    rmse = ((pred - real_y[300:]) ** 2).mean().sqrt().item()
print(f"RMSE on the real gripper {rmse:.3f} N (spread {real_y[300:].std().item():.3f} N)")
