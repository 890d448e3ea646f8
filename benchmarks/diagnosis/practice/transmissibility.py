import numpy as np
import torch
from torch import nn

torch.manual_seed(11)
rng = np.random.default_rng(11)


def transmissibility(r, zeta):
    num = 1 + (2 * zeta * r) ** 2
    den = (1 - r**2) ** 2 + (2 * zeta * r) ** 2
    return np.sqrt(num / den)


class MountNet(nn.Module):
    def __init__(self, width=48):
        super().__init__()
        self.inp = nn.Linear(2, width)
        self.mid = nn.Linear(width, width)
        self.out = nn.Linear(width, 1)

    def forward(self, x):
        h = self.inp(x)
        h = self.mid(h)
        return self.out(h)


class Trainer:
    def __init__(self, model, lr=3e-3, batch=50):
        self.model = model
        self.batch = batch
        self.criterion = nn.MSELoss()
        self.opt = torch.optim.Adam(model.parameters(), lr=lr)

    def run_epoch(self, x, y):
        self.model.train()
        total = 0.0
        perm = torch.randperm(len(x))
        for start in range(0, len(x), self.batch):
            rows = perm[start : start + self.batch]
            self.opt.zero_grad()
            loss = self.criterion(self.model(x[rows]), y[rows])
            loss.backward()
            total += loss.item() * len(rows)
        return total / len(x)

    @torch.no_grad()
    def score(self, x, y):
        self.model.eval()
        resid = y - self.model(x)
        return 1 - resid.var().item() / y.var().item() - resid.mean().item() ** 2 / y.var().item()


r = rng.uniform(0.1, 3.0, 800)
zeta = rng.uniform(0.1, 0.7, 800)
t = transmissibility(r, zeta) + rng.normal(0, 0.03, 800)
feats = np.stack([r, zeta], axis=1)
feats = (feats - feats[:600].mean(0)) / feats[:600].std(0)
target = (t - t[:600].mean()) / t[:600].std()
X = torch.as_tensor(feats, dtype=torch.float32)
Y = torch.as_tensor(target, dtype=torch.float32).unsqueeze(1)

trainer = Trainer(MountNet())
for epoch in range(80):
    value = trainer.run_epoch(X[:600], Y[:600])
    if epoch % 20 == 0:
        print(f"epoch {epoch}: mse {value:.4f}")
print("R2 on held-out mounts:", round(trainer.score(X[600:], Y[600:]), 3))
