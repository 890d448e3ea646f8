import itertools

import torch
from sklearn.metrics import mean_absolute_error, r2_score
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class YarnModel(nn.Module):
    """Irregularity (CV%) of a ring-spun yarn from fibre and machine settings."""

    def __init__(self, sizes=(6, 64, 64, 1)):
        super().__init__()
        mods = []
        for a, b in itertools.pairwise(sizes[:-1]):
            mods += [nn.Linear(a, b), nn.ELU()]
        self.net = nn.Sequential(*mods, nn.Linear(sizes[-2], sizes[-1]))

    def forward(self, x):
        return self.net(x).squeeze(-1)


def simulate(n, g):
    u = torch.rand(n, 6, generator=g)
    tex, fine, length, draft, speed, humid = u.unbind(1)
    fibres = (10 + 30 * tex) * 10 / (1.1 + 1.0 * fine)
    cv = 100 * 1.06 / fibres.sqrt() + 5 * (draft - 0.4) ** 2 * (1 + speed)
    cv = cv + 3 * torch.sin(5 * length) * (0.3 + draft) + 2.0 * (humid - 0.55).abs()
    return 2 * u - 1, cv + 0.1 * torch.randn(n, generator=g)


def main():
    torch.manual_seed(2)
    g = torch.Generator().manual_seed(2)
    x, y = simulate(1000, g)
    xv, yv = simulate(300, g)
    mean, std = y.mean(), y.std()
    loader = DataLoader(TensorDataset(x, (y - mean) / std), batch_size=200, shuffle=True, generator=g)

    model = YarnModel()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    criterion = nn.MSELoss()
    n_epochs = 200
    for epoch in range(n_epochs):
        model.train()
        running = 0.0
        for xb, yb in loader:
            optimizer.zero_grad()
            loss = criterion(model(xb), yb)
            loss.backward()
            optimizer.step()
            running += loss.item()
        model.eval()
        with torch.no_grad():
            val = criterion(model(xv), (yv - mean) / std).item()
        if epoch % max(1, n_epochs // 4) == 0:
            print(f"Epoch {epoch + 1}/{n_epochs} train {running / len(loader):.4f} val {val:.4f}")

    with torch.no_grad():
        p = (model(xv) * std + mean).numpy()
    print(f"MAE {mean_absolute_error(yv.numpy(), p):.3f} %CV, R2 {r2_score(yv.numpy(), p):.3f}")


if __name__ == "__main__":
    main()
