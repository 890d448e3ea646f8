# Gain and phase of a driven resonator as a function of frequency ratio, damping and coupling.
from itertools import pairwise

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.optim.lr_scheduler import CosineAnnealingLR

torch.manual_seed(17)


def response(u):
    ratio = 0.3 + 1.6 * u[:, 0]
    damping = 0.08 + 0.3 * u[:, 1]
    coupling = 0.5 * u[:, 2]
    real = 1 - ratio**2 + coupling * ratio
    imag = 2 * damping * ratio
    gain = 1 / torch.sqrt(real**2 + imag**2)
    phase = torch.atan2(imag, real)
    return torch.stack([gain.log(), phase], dim=1)


class ResponseNet(nn.Module):
    def __init__(self, sizes=(3, 40, 40, 40, 2)):
        super().__init__()
        self.layers = nn.ModuleList([nn.Linear(a, b) for a, b in pairwise(sizes)])
        for layer in self.layers[:-1]:
            nn.init.normal_(layer.weight, std=10.0)
            nn.init.normal_(layer.bias, std=1.0)

    def forward(self, x):
        for layer in self.layers[:-1]:
            x = torch.tanh(layer(x))
        return self.layers[-1](x)


def main():
    u = torch.rand(1500, 3)
    targets = response(u)
    inputs = 2 * u - 1
    targets = (targets - targets[:1200].mean(0)) / targets[:1200].std(0)
    x, y, x_val, y_val = inputs[:1200], targets[:1200], inputs[1200:], targets[1200:]

    net = ResponseNet()
    opt = torch.optim.Adam(net.parameters(), lr=3e-3)
    scheduler = CosineAnnealingLR(opt, T_max=800)
    for it in range(800):
        opt.zero_grad()
        loss = F.mse_loss(net(x), y)
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 5.0)
        opt.step()
        scheduler.step()
        if it % 100 == 0:
            with torch.no_grad():
                print(f"it {it:4d} train {loss.item():.4f} val {F.mse_loss(net(x_val), y_val).item():.4f}")

    with torch.no_grad():
        residual = ((net(x_val) - y_val) ** 2).sum(0)
        r2 = 1 - residual / ((y_val - y_val.mean(0)) ** 2).sum(0)
    print(f"R2 gain {r2[0]:.3f}, R2 phase {r2[1]:.3f}, mean {r2.mean():.3f}")


main()
