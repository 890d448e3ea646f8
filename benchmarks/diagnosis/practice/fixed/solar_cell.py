import torch
from torch import nn

torch.manual_seed(30)

# single-diode cell: current at a given voltage, irradiance and temperature
n = 1600
volt = 0.65 * torch.rand(n)
sun = 0.2 + 0.9 * torch.rand(n)
kelvin = 280 + 50 * torch.rand(n)
thermal = 1.2 * 8.617e-5 * kelvin
dark = 2e-8 * torch.exp((kelvin - 300) * 0.06)
current = 3.5 * sun * (1 + 0.0005 * (kelvin - 298)) - dark * (torch.exp(volt / thermal) - 1) - volt / 40
current = current.clamp(min=-1.0) + 0.02 * torch.randn(n)

features = torch.stack([volt, sun, kelvin], dim=1)
n_train = 1280
mean, std = features[:n_train].mean(0), features[:n_train].std(0)
features = (features - mean) / std
target = ((current - current[:n_train].mean()) / current[:n_train].std()).unsqueeze(1)

net = nn.Sequential(nn.Linear(3, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU())
net.append(nn.Linear(64, 1))
optimizer = torch.optim.Adam(net.parameters(), lr=2e-3)

batch = 80
best = float("inf")
for epoch in range(50):
    shuffled = torch.randperm(n_train)
    for k in range(0, n_train, batch):
        rows = shuffled[k : k + batch]
        optimizer.zero_grad(set_to_none=True)
        loss = torch.mean((net(features[rows]) - target[rows]) ** 2)
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        val = torch.mean((net(features[n_train:]) - target[n_train:]) ** 2).item()
    best = min(best, val)
    if epoch % 10 == 9:
        print(f"epoch {epoch + 1:2d}  batch loss {loss.item():.4f}  val {val:.4f}  best {best:.4f}")

print(f"val R2 = {1 - val / target[n_train:].var(unbiased=False).item():.3f}")
