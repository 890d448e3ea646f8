"""Wet-bulb temperature (Stull) fitted with LBFGS in double precision."""

import math

import torch

torch.set_default_dtype(torch.float64)
torch.manual_seed(19)


def wet_bulb(t, rh):
    return (
        t * torch.atan(0.151977 * (rh + 8.313659).sqrt())
        + torch.atan(t + rh)
        - torch.atan(rh - 1.676331)
        + 0.00391838 * rh**1.5 * torch.atan(0.023101 * rh)
        - 4.686035
    )


def sample(n):
    t = torch.empty(n).uniform_(0, 45)
    rh = torch.empty(n).uniform_(8, 98)
    return torch.stack([t / 45, rh / 100], 1), wet_bulb(t, rh) / 10


def layer(n_in, n_out):
    w = torch.empty(n_in, n_out).uniform_(-1, 1).mul_(math.sqrt(3 / n_in))
    return w.requires_grad_(), torch.zeros(n_out, requires_grad=True)


x, y = sample(400)
xv, yv = sample(200)
params = [*layer(2, 16), *layer(16, 16), *layer(16, 1)]


def forward(inp):
    w1, b1, w2, b2, w3, b3 = params
    h = torch.tanh(inp @ w1 + b1)
    h = torch.tanh(h @ w2 + b2)
    return (h @ w3 + b3).squeeze(1)


opt = torch.optim.LBFGS(params, lr=1.0, max_iter=20, history_size=20, line_search_fn="strong_wolfe")


def closure():
    opt.zero_grad()
    loss = torch.nn.functional.mse_loss(forward(x), y)
    loss.backward()
    return loss


for it in range(30):
    value = opt.step(closure)
    if it % 5 == 0:
        print(f"outer {it:2d}  mse {value.item():.3e}")

with torch.no_grad():
    err = forward(xv) - yv
print(f"max error {10 * err.abs().max().item():.3f} K, R2 {1 - (err.square().mean() / yv.var()).item():.6f}")
