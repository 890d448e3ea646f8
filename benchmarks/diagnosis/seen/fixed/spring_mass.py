import numpy as np
import torch
from torch import nn


class DampedOscillator:
    """Displacement of a damped spring-mass system after release at x = 1."""

    def __init__(self, seed):
        self.rng = np.random.default_rng(seed)

    def sample(self, n):
        k = self.rng.uniform(1.0, 9.0, n)
        zeta = self.rng.uniform(0.05, 0.6, n)
        t = self.rng.uniform(0.0, 3.0, n)
        w0 = np.sqrt(k)
        wd = w0 * np.sqrt(1 - zeta**2)
        x = np.exp(-zeta * w0 * t) * (np.cos(wd * t) + zeta * w0 / wd * np.sin(wd * t))
        features = np.column_stack([(k - 5) / 2.3, (zeta - 0.325) / 0.16, (t - 1.5) / 0.87])
        return torch.tensor(features, dtype=torch.float32), torch.tensor(x, dtype=torch.float32).unsqueeze(1)


class Trainer:
    def __init__(self, model, optimizer, loss_fn, batch_size=64):
        self.model = model
        self.optimizer = optimizer
        self.loss_fn = loss_fn
        self.batch_size = batch_size

    def run_epoch(self, x, y):
        self.model.train()
        order = torch.randperm(len(x))
        losses = []
        for start in range(0, len(x), self.batch_size):
            idx = order[start : start + self.batch_size]
            self.optimizer.zero_grad()
            loss = self.loss_fn(self.model(x[idx]), y[idx])
            loss.backward()
            self.optimizer.step()
            losses.append(loss.item())
        return sum(losses) / len(losses)

    def fit(self, x, y, epochs):
        for epoch in range(1, epochs + 1):
            loss = self.run_epoch(x, y)
            if epoch % 10 == 0:
                print(f"[{epoch:3d}/{epochs}] loss={loss:.5f}")

    @torch.no_grad()
    def score(self, x, y):
        self.model.eval()
        residual = ((self.model(x) - y) ** 2).sum()
        return 1 - (residual / ((y - y.mean()) ** 2).sum()).item()


torch.manual_seed(7)
data = DampedOscillator(seed=7)
x_train, y_train = data.sample(1600)
x_test, y_test = data.sample(400)

net = nn.Sequential(nn.Linear(3, 48), nn.Tanh(), nn.Linear(48, 48), nn.Tanh(), nn.Linear(48, 1))
trainer = Trainer(net, torch.optim.Adam(net.parameters(), lr=3e-3), nn.MSELoss())
trainer.fit(x_train, y_train, epochs=60)
print("R2 on new samples:", round(trainer.score(x_test, y_test), 4))
