"""Swing of a pendulum: features learned on many simulated undamped swings, head refitted on a few damped ones."""

import torch
from torch import nn

torch.manual_seed(9)


def swing(n, damping):
    """Angle at a given time, by RK4 integration of all n pendulums at once."""
    angle0 = torch.rand(n, 1) * 1.6 + 0.2
    stiffness = torch.rand(n, 1) * 1.0 + 0.6
    end = torch.rand(n, 1) * 4.0
    h = end / 80
    state = torch.cat([angle0, torch.zeros(n, 1)], dim=1)

    def rhs(s):
        return torch.cat([s[:, 1:], -stiffness * torch.sin(s[:, :1]) - damping * s[:, 1:]], dim=1)

    for _ in range(80):
        k1 = rhs(state)
        k2 = rhs(state + h / 2 * k1)
        k3 = rhs(state + h / 2 * k2)
        k4 = rhs(state + h * k3)
        state = state + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
    return torch.cat([angle0 - 1.0, stiffness - 1.1, end - 2.0], dim=1), state[:, :1]


def fit(model, params, x, y, steps, lr):
    opt = torch.optim.Adam(params, lr=lr)
    sched = torch.optim.lr_scheduler.OneCycleLR(opt, max_lr=lr, total_steps=steps)
    for i in range(steps):
        rows = torch.randint(len(x), (100,))
        loss = nn.functional.mse_loss(model(x[rows]), y[rows])
        opt.zero_grad()
        loss.backward()
        opt.step()
        sched.step()
        if i % (steps // 4) == 0:
            print(f"  step {i:4d} loss {loss.item():.5f}")


def r2(model, x, y):
    with torch.no_grad():
        return 1 - ((model(x) - y) ** 2).mean().item() / y.var(unbiased=False).item()


base = nn.Sequential(nn.Linear(3, 64), nn.Tanh(), nn.Linear(64, 64), nn.Tanh())
source = nn.Sequential(base, nn.Linear(64, 1))
x_free, y_free = swing(3000, damping=0.0)
print("undamped swings")
fit(source, source.parameters(), x_free[:2500], y_free[:2500], steps=1200, lr=0.01)
print(f"undamped R2 {r2(source, x_free[2500:], y_free[2500:]):.4f}")

for p in base.parameters():
    p.requires_grad_(False)

target = nn.Sequential(base, nn.Linear(64, 1))
x_damp, y_damp = swing(700, damping=0.15)
print("damped swings")
fit(target, target[1].parameters(), x_damp[:300], y_damp[:300], steps=800, lr=0.02)
print(f"damped R2 {r2(target, x_damp[300:], y_damp[300:]):.4f}")
