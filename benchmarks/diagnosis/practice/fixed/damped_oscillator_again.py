import math

import torch
from torch import nn

torch.manual_seed(11)

# displacement of a mass released at rest, for several damping ratios
time = torch.rand(800, 1) * 6.0
zeta = torch.rand(800, 1) * 0.4 + 0.05
omega_d = 2.0 * torch.sqrt(1 - zeta**2)
x_true = torch.exp(-zeta * 2.0 * time) * torch.cos(omega_d * time)
noise = 0.02 * torch.randn(800, 1)

inputs = torch.cat([(time - 3.0) / math.sqrt(3.0), (zeta - 0.25) / 0.115], dim=1)
targets = x_true + noise

x_fit, y_fit = inputs[:600], targets[:600]
x_val, y_val = inputs[600:], targets[600:]

net = nn.Sequential(
    nn.Linear(2, 40),
    nn.Tanh(),
    nn.Linear(40, 40),
    nn.Tanh(),
    nn.Linear(40, 1),
)
loss_fn = nn.MSELoss()
opt = torch.optim.Adam(net.parameters(), lr=3e-3)

val_curve = []
for epoch in range(1, 1201):
    loss = loss_fn(net(x_fit), y_fit)
    opt.zero_grad()
    loss.backward()
    opt.step()

    with torch.no_grad():
        val_curve.append(loss_fn(net(x_val), y_val).item())
    if epoch % 200 == 0:
        print(f"epoch {epoch}: train {loss.item():.5f}  val {val_curve[-1]:.5f}")

score = 1 - val_curve[-1] / y_val.var(unbiased=False).item()
print(f"validation R2 after {len(val_curve)} epochs: {score:.3f}")
