import numpy as np
import torch
from torch import nn


class HillSurrogate(nn.Module):
    def __init__(self, width=32):
        super().__init__()
        self.stack = nn.ModuleList([nn.Linear(3, width), nn.Linear(width, width)])
        self.readout = nn.Linear(width, 1)

    def forward(self, x):
        for layer in self.stack:
            x = nn.functional.elu(layer(x))
        return self.readout(x)


class Session:
    def __init__(self, model, lr, patience):
        self.model = model
        self.optimizer = torch.optim.Adam(model.parameters(), lr=lr)
        self.loss_fn = nn.MSELoss()
        self.patience = patience
        self.best, self.waited = float("inf"), 0

    def train_epoch(self, x, y, batch=64):
        self.model.train()
        total = 0.0
        for rows in torch.randperm(len(x)).split(batch):
            self.optimizer.zero_grad()
            loss = self.loss_fn(self.model(x[rows]), y[rows])
            loss.backward()
            self.optimizer.step()
            total += loss.item() * len(rows)
        return total / len(x)

    @torch.no_grad()
    def validate(self, x, y):
        self.model.eval()
        return self.loss_fn(self.model(x), y).item()

    def run(self, train, val, epochs):
        for epoch in range(epochs):
            loss, val_loss = self.train_epoch(*train), self.validate(*val)
            if epoch % 10 == 0:
                print(f"[{epoch:03d}] train {loss:.4f} val {val_loss:.4f}")
            if val_loss < self.best:
                self.best, self.waited = val_loss, 0
            else:
                self.waited += 1
            if self.waited >= self.patience:
                print(f"[{epoch:03d}] stopped early")
                break


def contractions(n, seed):
    rng = np.random.default_rng(seed)
    length, velocity, activation = rng.uniform(0.6, 1.5, n), rng.uniform(-0.9, 0.6, n), rng.uniform(0.05, 1.0, n)
    f_length = np.exp(-(((length - 1.0) / 0.25) ** 2))
    f_velocity = np.where(velocity < 0, (1 + velocity) / (1 - 3 * velocity), 1.5 - 0.5 / (1 + 8 * velocity))
    passive = np.maximum(np.exp(4.0 * (length - 1.0)) - 1.0, 0.0) / 6.0
    force = activation * f_length * f_velocity + passive + 0.01 * rng.standard_normal(n)
    x = np.column_stack([(length - 1.05) / 0.26, (velocity + 0.15) / 0.43, (activation - 0.52) / 0.27])
    return torch.tensor(x, dtype=torch.float32), torch.tensor(force, dtype=torch.float32)[:, None]


torch.manual_seed(33)
x, force = contractions(1400, 33)
y = (force - force[:900].mean()) / force[:900].std()
session = Session(HillSurrogate(), lr=4e-3, patience=30)
session.run((x[:900], y[:900]), (x[900:1100], y[900:1100]), epochs=70)
print(f"test R2 {1 - session.validate(x[1100:], y[1100:]) / y[1100:].var(unbiased=False).item():.3f}")
