"""Surrogate for the Colebrook-White equation: friction factor from Reynolds number and relative roughness."""

import math

import torch
import torch.nn as nn


def colebrook(re, eps, iterations=30):
    x = torch.full_like(re, 8.0)
    for _ in range(iterations):
        x = -2.0 * torch.log10(eps / 3.7 + 2.51 * x / re)
    return 1.0 / x**2


class FrictionNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(2, 24)
        self.fc2 = nn.Linear(24, 24)
        self.fc3 = nn.Linear(24, 1)

    def forward(self, x):
        return self.fc3(torch.tanh(self.fc2(torch.tanh(self.fc1(x)))))


class Trainer:
    def __init__(self, model, lr):
        self.model = model
        self.opt = torch.optim.Adam(model.parameters(), lr=lr)
        self.loss_fn = nn.MSELoss()
        self.history = []

    def fit(self, x, y, epochs, batch_size=100):
        for epoch in range(epochs):
            order = torch.randperm(len(x))
            running = 0.0
            for start in range(0, len(x), batch_size):
                idx = order[start : start + batch_size]
                loss = self.loss_fn(self.model(x[idx]), y[idx])
                self.opt.zero_grad()
                loss.backward()
                self.opt.step()
                running += loss.item() * len(idx)
            self.history.append(running / len(x))
            if epoch % 20 == 0:
                print(epoch, self.history[-1])

    @torch.no_grad()
    def score(self, x, y):
        r = y - self.model(x)
        return 1 - (r.pow(2).sum() / (y - y.mean()).pow(2).sum()).item()


torch.manual_seed(3)
n = 1500
log_re = 3.7 + 4.0 * torch.rand(n)
log_eps = -5.0 + 3.5 * torch.rand(n)
f = colebrook(10 ** log_re.double(), 10 ** log_eps.double()).float()

x = torch.stack([(log_re - 5.7) / (4 / math.sqrt(12)), (log_eps + 3.25) / (3.5 / math.sqrt(12))], dim=1)
y = ((f - f.mean()) / f.std()).unsqueeze(1)

trainer = Trainer(FrictionNet(), lr=0.005)
trainer.fit(x[:1200], y[:1200], epochs=120)
print("final loss", trainer.history[-1])
print("R2 test   ", trainer.score(x[1200:], y[1200:]))
