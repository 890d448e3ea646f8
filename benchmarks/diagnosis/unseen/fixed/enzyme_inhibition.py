import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(5)
n = 1000
substrate = torch.rand(n) * 10
inhibitor = torch.rand(n) * 4
ph = 5 + 4 * torch.rand(n)
vmax, km, ki = 2.4, 1.3, 0.9
rate = vmax * substrate / (km * (1 + inhibitor / ki) + substrate)
rate = rate * torch.exp(-((ph - 7.2) ** 2) / 1.2) + 0.02 * torch.randn(n)

x = torch.stack([substrate / 5 - 1, inhibitor / 2 - 1, (ph - 7) / 2], dim=1)
y = rate.unsqueeze(1)
y = (y - y[:800].mean()) / y[:800].std()
x_tr, y_tr, x_te, y_te = x[:800], y[:800], x[800:], y[800:]

net = nn.Sequential(nn.Linear(3, 48), nn.SiLU(), nn.Linear(48, 48), nn.SiLU(), nn.Linear(48, 1))
opt = torch.optim.RMSprop(net.parameters(), lr=0.002)

for epoch in range(80):
    order = torch.randperm(len(x_tr))
    running = 0.0
    for i in range(0, len(order), 64):
        rows = order[i : i + 64]
        opt.zero_grad()
        loss = F.mse_loss(net(x_tr[rows]), y_tr[rows])
        loss.backward()
        opt.step()
        running += loss.item() * len(rows)
    if (epoch + 1) % 16 == 0:
        net.eval()
        with torch.no_grad():
            val = F.mse_loss(net(x_te), y_te).item()
        net.train()
        print(f"{epoch + 1:3d}: train {running / len(x_tr):.4f}  test {val:.4f}")

net.eval()
with torch.no_grad():
    sse = ((net(x_te) - y_te) ** 2).sum()
    sst = ((y_te - y_te.mean()) ** 2).sum()
print("R2 on the held-out assays:", round(1 - (sse / sst).item(), 3))
