import numpy as np
import torch
from sklearn.metrics import r2_score
from sklearn.preprocessing import StandardScaler
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

rng = np.random.default_rng(20)
torch.manual_seed(20)


def effectiveness(ntu, cr):
    e = np.exp(-ntu * (1 - cr))
    return (1 - e) / (1 - cr * e)


n = 1600
ntu = rng.uniform(0.2, 5, n)
cr = rng.uniform(0.05, 0.95, n)
t_hot = rng.uniform(340, 420, n)
t_cold = rng.uniform(280, 300, n)
c_min = rng.uniform(500, 2500, n)
duty_kw = effectiveness(ntu, cr) * c_min * (t_hot - t_cold) / 1000
duty_kw += rng.normal(0, 1.5, n)

table = np.column_stack([ntu, cr, t_hot, t_cold, c_min])
cut = int(0.75 * n)
sx = StandardScaler().fit(table[:cut])
sy = StandardScaler().fit(duty_kw[:cut, None])
X = torch.tensor(sx.transform(table), dtype=torch.float32)
Y = torch.tensor(sy.transform(duty_kw[:, None]), dtype=torch.float32)

loader = DataLoader(TensorDataset(X[:cut], Y[:cut]), batch_size=40, shuffle=True)


class ExchangerNet(nn.Module):
    def __init__(self, hidden=40):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(5, hidden), nn.SiLU(), nn.Linear(hidden, hidden), nn.SiLU())
        self.head = nn.Linear(hidden, 1)

    def forward(self, x):
        return self.head(self.body(x))


net = ExchangerNet()
optimizer = torch.optim.SGD(net.parameters(), lr=0.02, momentum=0.9)
criterion = nn.MSELoss()

for epoch in range(1, 51):
    net.train()
    total = 0.0
    for xb, yb in loader:
        loss = criterion(net(xb), yb)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 5.0)
        optimizer.step()
        total += loss.item()
    if epoch % 5 == 0:
        print(f"{epoch:4d} {total / len(loader):.5f}")

net.eval()
with torch.no_grad():
    pred = sy.inverse_transform(net(X[cut:]).numpy())
print(f"R2 = {r2_score(duty_kw[cut:], pred[:, 0]):.4f}")
print(f"RMSE = {np.sqrt(np.mean((duty_kw[cut:] - pred[:, 0]) ** 2)):.2f} kW")
