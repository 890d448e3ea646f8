"""Period of a pendulum against amplitude and damping, fitted with L-BFGS in double precision."""

import torch

torch.set_default_dtype(torch.float64)
torch.manual_seed(12)


def agm(a, b):
    for _ in range(12):
        a, b = (a + b) / 2, torch.sqrt(a * b)
    return a


amplitude = 0.05 + 2.9 * torch.rand(240)
length = 0.2 + 1.8 * torch.rand(240)
period = torch.pi * 2 * torch.sqrt(length / 9.81) / agm(torch.ones(240), torch.cos(amplitude / 2))

inputs = torch.stack([amplitude, length], dim=1)
targets = period.unsqueeze(1)

net = torch.nn.Sequential(torch.nn.Linear(2, 16), torch.nn.Tanh(), torch.nn.Linear(16, 1))
lbfgs = torch.optim.LBFGS(net.parameters(), lr=1.0, max_iter=20, history_size=30, line_search_fn="strong_wolfe")


def closure():
    lbfgs.zero_grad()
    loss = torch.nn.functional.mse_loss(net(inputs), targets)
    loss.backward()
    return loss


for outer in range(40):
    value = lbfgs.step(closure)
    if outer % 8 == 0:
        print(f"outer {outer:2d}  mse {value.item():.3e}")

fit = net(inputs).detach()
print("max error (s):", (fit - targets).abs().max().item())
print("R2:", (1 - (fit - targets).var() / targets.var()).item())
