import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class CompressorMap(nn.Module):
    """Outlet temperature rise from inlet pressure (Pa), inlet temperature (K) and shaft speed (Hz)."""

    def __init__(self, n_in=3, width=32):
        super().__init__()
        self.norm = nn.BatchNorm1d(n_in, momentum=0.01)
        self.fc1 = nn.Linear(n_in, width)
        self.fc2 = nn.Linear(width, width)
        self.fc3 = nn.Linear(width, 1)

    def forward(self, x):
        x = self.norm(x)
        x = torch.tanh(self.fc1(x))
        x = torch.tanh(self.fc2(x))
        return self.fc3(x)


def make_data(n, gen):
    p_in = 101325 + 400 * torch.randn(n, generator=gen)
    t_in = 293 + 6 * torch.randn(n, generator=gen)
    speed = 210 + 12 * torch.randn(n, generator=gen)
    ratio = (1 + 1.1 * (speed / 210) ** 2 * (293 / t_in)) * (101325 / p_in) ** 12
    rise = t_in * (ratio**0.286 - 1) / (0.78 - 9 * (speed / 210 - 1.01) ** 2)
    return torch.stack([p_in, t_in, speed], 1), rise[:, None]


def r2(model, x, y):
    model.eval()
    with torch.no_grad():
        return (1 - ((y - model(x)) ** 2).sum() / ((y - y.mean()) ** 2).sum()).item()


def main():
    torch.manual_seed(1)
    gen = torch.Generator().manual_seed(1)
    x, y = make_data(1000, gen)
    y = (y - y.mean()) / y.std()
    x_train, y_train, x_val, y_val = x[:800], y[:800], x[800:], y[800:]
    loader = DataLoader(TensorDataset(x_train, y_train), batch_size=80, shuffle=True)
    model = CompressorMap()
    opt = torch.optim.Adam(model.parameters(), lr=6e-5)
    for epoch in range(40):
        model.train()
        total = 0.0
        for xb, yb in loader:
            opt.zero_grad()
            loss = nn.functional.mse_loss(model(xb), yb)
            loss.backward()
            opt.step()
            total += loss.item()
        if epoch % 8 == 0:
            print(f"epoch {epoch:3d}  train {total / len(loader):.4f}  val R2 {r2(model, x_val, y_val):.3f}")
    print("val R2", r2(model, x_val, y_val))


main()
