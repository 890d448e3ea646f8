"""Dose from detector channels: representation learned on the phantom, head fitted for a new scanner."""

import torch
from torch import nn


class DoseModel(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(nn.Linear(5, 64), nn.ReLU(), nn.Linear(64, 32), nn.ReLU())
        self.head = nn.Linear(32, 1)

    def forward(self, x):
        return self.head(self.features(x)).squeeze(-1)


def scans(n, gain, offset, gen):
    x = torch.randn(n, 5, generator=gen)
    kv, ma, pitch, size, filt = x.unbind(1)
    dose = torch.exp(0.4 * kv + 0.3 * ma - 0.35 * pitch) * (1 - 0.25 * torch.tanh(size)) + 0.2 * torch.sin(2 * filt)
    return x, gain * dose + offset + 0.15 * dose * size + 0.03 * torch.randn(n, generator=gen)


def fit(model, x, y, epochs, lr):
    params = [p for p in model.parameters() if p.requires_grad]
    opt = torch.optim.Adam(params, lr=lr)
    for epoch in range(epochs):
        model.train()
        for rows in torch.randperm(len(x)).split(100):
            opt.zero_grad()
            loss = nn.functional.mse_loss(model(x[rows]), y[rows])
            loss.backward()
            opt.step()
        if (epoch + 1) % 30 == 0:
            print(f"   {sum(p.numel() for p in params)} parameters, epoch {epoch + 1}, loss {loss.item():.4f}")


@torch.no_grad()
def r2(model, x, y):
    model.eval()
    return 1 - ((model(x) - y) ** 2).mean().item() / y.var(unbiased=False).item()


def main():
    torch.manual_seed(6)
    gen = torch.Generator().manual_seed(6)
    x0, y0 = scans(1500, 1.0, 0.0, gen)
    x1, y1 = scans(150, 1.4, -0.6, gen)
    xt, yt = scans(500, 1.4, -0.6, gen)
    model = DoseModel()
    print("phantom")
    fit(model, x0, y0, 60, 3e-3)
    print(f"before transfer: R2 {r2(model, xt, yt):.3f}")
    model.features.requires_grad_(False)
    print("new scanner")
    fit(model, x1, y1, 120, 1e-2)
    print(f"after transfer: R2 {r2(model, xt, yt):.3f}")


if __name__ == "__main__":
    main()
