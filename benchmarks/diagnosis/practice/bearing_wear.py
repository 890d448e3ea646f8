import numpy as np
import torch
from torch import nn


def bench_runs(n=1000, seed=19):
    rng = np.random.default_rng(seed)
    load = rng.uniform(0.5, 6.0, n)  # kN
    speed = rng.uniform(300, 3000, n)  # rpm
    viscosity = rng.uniform(15, 220, n)  # cSt
    dirt = rng.choice([0.3, 0.6, 1.0], n)
    film = np.log(viscosity * speed / (load * 1e4))
    wear = dirt * load**1.5 / (1 + np.exp(1.5 * film)) + 0.3 * np.cos(2 * film)
    x = np.column_stack([load, np.log(speed), np.log(viscosity), dirt])
    return x, wear + rng.normal(0, 0.05, n)


class WearNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.block1 = nn.Sequential(nn.Linear(4, 64), nn.ELU())
        self.block2 = nn.Sequential(nn.Linear(64, 64), nn.ELU())
        self.regressor = nn.Linear(64, 1)
        for name, param in self.named_parameters():
            param.requires_grad = name.startswith("regressor") and name.endswith("bias")

    def forward(self, x):
        return self.regressor(self.block2(self.block1(x)))


class Standard:
    def __init__(self, values):
        self.mean, self.std = values.mean(0), values.std(0)

    def __call__(self, values):
        return torch.as_tensor((values - self.mean) / self.std, dtype=torch.float32)


def train(model, x, y, epochs=250):
    trainable = [p for p in model.parameters() if p.requires_grad]
    opt = torch.optim.Adam(trainable, lr=3e-5)
    history = []
    for epoch in range(epochs):
        batches = torch.randperm(len(x)).split(200)
        for rows in batches:
            opt.zero_grad()
            loss = nn.functional.smooth_l1_loss(model(x[rows]).squeeze(-1), y[rows])
            loss.backward()
            nn.utils.clip_grad_norm_(trainable, 1.0)
            opt.step()
        history.append(loss.item())
        if epoch % 50 == 0:
            print(f"epoch {epoch}: loss {history[-1]:.4f}")
    return history


if __name__ == "__main__":
    torch.manual_seed(19)
    x, wear = bench_runs()
    sx, sy = Standard(x[:800]), Standard(wear[:800])
    model = WearNet()
    train(model, sx(x[:800]), sy(wear[:800]))
    with torch.no_grad():
        pred = model(sx(x[800:])).squeeze(-1)
    truth = sy(wear[800:])
    print(f"R2 {1 - ((truth - pred) ** 2).sum().item() / ((truth - truth.mean()) ** 2).sum().item():.3f}")
