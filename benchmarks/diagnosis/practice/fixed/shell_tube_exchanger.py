"""Heat duty of a counterflow heat exchanger from flow rates, inlet temperatures and area."""

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def make_data(n, seed):
    rng = np.random.default_rng(seed)
    m_hot = rng.uniform(0.5, 3.0, n)
    m_cold = rng.uniform(0.5, 3.0, n)
    t_hot = rng.uniform(60, 120, n)
    t_cold = rng.uniform(5, 30, n)
    area = rng.uniform(1.0, 12.0, n)
    c_hot, c_cold = 2.1 * m_hot, 4.18 * m_cold  # kW/K
    c_min, c_max = np.minimum(c_hot, c_cold), np.maximum(c_hot, c_cold)
    cr = c_min / c_max
    ntu = 0.8 * area / c_min
    e = np.exp(-ntu * (1 - cr))
    eff = (1 - e) / (1 - cr * e)
    duty = eff * c_min * (t_hot - t_cold)
    duty *= 1 + 0.01 * rng.standard_normal(n)
    return np.stack([m_hot, m_cold, t_hot, t_cold, area], axis=1), duty[:, None]


class Trainer:
    def __init__(self, model, lr=3e-3, accumulate=1):
        self.model = model
        self.accumulate = accumulate
        self.loss_fn = nn.MSELoss()
        self.optimizer = torch.optim.Adam(model.parameters(), lr=lr)

    def run_epoch(self, loader):
        self.model.train()
        total = 0.0
        self.optimizer.zero_grad()
        for i, (xb, yb) in enumerate(loader):
            loss = self.loss_fn(self.model(xb), yb)
            (loss / self.accumulate).backward()
            if (i + 1) % self.accumulate == 0:
                self.optimizer.step()
                self.optimizer.zero_grad()
            total += loss.item() * len(xb)
        return total / len(loader.dataset)

    def fit(self, loader, epochs):
        for epoch in range(epochs):
            loss = self.run_epoch(loader)
            if epoch % 20 == 0:
                print(f"epoch {epoch:3d}  train mse {loss:.5f}")

    @torch.no_grad()
    def r2(self, x, y):
        self.model.eval()
        res = ((self.model(x) - y) ** 2).sum()
        return 1 - (res / ((y - y.mean()) ** 2).sum()).item()


if __name__ == "__main__":
    torch.manual_seed(4)
    x, y = make_data(1100, seed=4)
    x_mean, x_std = x[:800].mean(0), x[:800].std(0)
    y_mean, y_std = y[:800].mean(), y[:800].std()
    x = torch.tensor((x - x_mean) / x_std, dtype=torch.float32)
    y = torch.tensor((y - y_mean) / y_std, dtype=torch.float32)

    loader = DataLoader(TensorDataset(x[:800], y[:800]), batch_size=128, shuffle=True)
    net = nn.Sequential(nn.Linear(5, 48), nn.SiLU(), nn.Linear(48, 48), nn.SiLU(), nn.Linear(48, 1))
    trainer = Trainer(net)
    trainer.fit(loader, epochs=120)
    print(f"R2 on held-out exchangers: {trainer.r2(x[800:], y[800:]):.4f}")
