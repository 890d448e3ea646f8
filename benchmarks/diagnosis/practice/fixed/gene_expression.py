"""Growth rate of a culture from the expression of 24 genes."""

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(15)
rng = np.random.default_rng(15)
n, genes = 1600, 24
pathway = rng.normal(size=(n, 3))
loading = rng.normal(size=(3, genes)) * (rng.random((3, genes)) < 0.4)
expr = pathway @ loading + 0.9 * rng.normal(size=(n, genes))
a, b, c = expr[:, 3], expr[:, 8], expr[:, 17]
growth = np.tanh(a) * b / 1.5 + 0.8 * np.abs(c) + 0.05 * rng.normal(size=n)
expr = ((expr - expr.mean(0)) / expr.std(0)).astype(np.float32)
growth = ((growth - growth.mean()) / growth.std()).astype(np.float32)[:, None]


class GrowthNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(genes, 64), nn.ReLU(), nn.Linear(64, 6))
        self.head = nn.Sequential(nn.Linear(6, 64), nn.ReLU(), nn.Linear(64, 1))

    def codes(self, x):
        z = self.encoder(x)
        scale = torch.sqrt((z**2).mean(dim=1, keepdim=True) + 1.0)
        return z / scale

    def forward(self, x):
        return self.head(self.codes(x))


train = TensorDataset(torch.from_numpy(expr[:1200]), torch.from_numpy(growth[:1200]))
xt, yt = torch.from_numpy(expr[1200:]), torch.from_numpy(growth[1200:])
net = GrowthNet()
opt = torch.optim.AdamW(net.parameters(), lr=3e-3, weight_decay=1e-3)
for epoch in range(25):
    for xb, yb in DataLoader(train, batch_size=40, shuffle=True):
        loss = ((net(xb) - yb) ** 2).mean()
        opt.zero_grad()
        loss.backward()
        opt.step()
    if epoch % 5 == 0:
        print("epoch", epoch, "loss", round(loss.item(), 4))

net.eval()
with torch.no_grad():
    pred = net(xt)
print("held-out R2", 1 - ((pred - yt) ** 2).sum().item() / ((yt - yt.mean()) ** 2).sum().item())
