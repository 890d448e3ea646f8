"""Food share of household budgets: income, family size, region and tenure."""

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

REGIONS, TENURES = 7, 3


def survey(households, seed):
    rng = np.random.default_rng(seed)
    region = rng.integers(0, REGIONS, households)
    tenure = rng.integers(0, TENURES, households)
    log_income = rng.normal(10.3, 0.6, households) + 0.1 * tenure
    members = rng.integers(1, 7, households)
    level = np.array([0.02, -0.04, 0.05, 0.0, -0.02, 0.03, -0.05])[region]
    slope = np.array([0.11, 0.09, 0.13])[tenure]
    share = 0.27 - slope * (log_income - 10.3) + 0.02 * (log_income - 10.3) ** 2 + 0.06 * np.log(members) + level
    share += rng.normal(0, 0.075, households)
    numbers = np.column_stack([(log_income - 10.4) / 0.6, (members - 3.5) / 1.7])
    return (
        torch.tensor(numbers, dtype=torch.float32),
        torch.tensor(np.column_stack([region, tenure])),
        torch.tensor((share - 0.32) / 0.12, dtype=torch.float32),
    )


class EngelNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.region = nn.Embedding(REGIONS, 3)
        self.tenure = nn.Embedding(TENURES, 2)
        self.mlp = nn.Sequential(nn.Linear(7, 32), nn.ReLU(), nn.Dropout(0.05), nn.Linear(32, 1))

    def forward(self, numbers, codes):
        parts = [numbers, self.region(codes[:, 0]), self.tenure(codes[:, 1])]
        return self.mlp(torch.cat(parts, dim=1)).squeeze(-1)


def score(net, data):
    net.eval()
    with torch.no_grad():
        guess = net(data[0], data[1])
    return 1 - ((guess - data[2]) ** 2).mean().item() / data[2].var(unbiased=False).item()


def main():
    torch.manual_seed(2)
    train, val, test = survey(3000, 1), survey(800, 2), survey(2000, 3)
    loader = DataLoader(TensorDataset(*train), batch_size=100, shuffle=True)
    net = EngelNet()
    optimizer = torch.optim.AdamW(net.parameters(), lr=3e-3, weight_decay=1e-3)
    best, keep, since = -9.0, None, 0
    for epoch in range(50):
        net.train()
        for numbers, codes, share in loader:
            optimizer.zero_grad()
            loss = nn.functional.mse_loss(net(numbers, codes), share)
            loss.backward()
            optimizer.step()
        current = score(net, val)
        since += 1
        if current > best:
            best, since = current, 0
            keep = {name: value.clone() for name, value in net.state_dict().items()}
        if epoch % 5 == 0:
            print(f"epoch {epoch:2d} loss {loss.item():.3f} val R2 {current:.3f}")
        if since == 12:
            break
    net.load_state_dict(keep)
    print(f"test R2 {score(net, test):.3f}")


if __name__ == "__main__":
    main()
