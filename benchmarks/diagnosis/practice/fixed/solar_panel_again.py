import torch
from sklearn.metrics import r2_score
from sklearn.preprocessing import StandardScaler
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

gen = torch.Generator().manual_seed(23)
torch.manual_seed(23)

n = 900
irradiance = 100 + 950 * torch.rand(n, generator=gen)
ambient = -5 + 40 * torch.rand(n, generator=gen)
wind = 8 * torch.rand(n, generator=gen)
tilt = 70 * torch.rand(n, generator=gen)

cell = ambient + irradiance * 0.03 * torch.exp(-0.12 * wind)
power = 0.2 * irradiance * torch.cos(torch.deg2rad(tilt - 30)) * (1 - 0.0045 * (cell - 25))
power = power + 4 * torch.randn(n, generator=gen)

table = torch.stack([irradiance, ambient, wind, tilt], dim=1)
x_scaler = StandardScaler().fit(table[:700].numpy())
y_scaler = StandardScaler().fit(power[:700, None].numpy())
x = torch.tensor(x_scaler.transform(table.numpy()), dtype=torch.float32)
y = torch.tensor(y_scaler.transform(power[:, None].numpy()), dtype=torch.float32)

loader = DataLoader(TensorDataset(x[:700], y[:700]), batch_size=35, shuffle=True)

net = nn.Sequential(nn.Linear(4, 40), nn.SiLU(), nn.Linear(40, 40), nn.SiLU(), nn.Linear(40, 1))
optimizer = torch.optim.Adam(net.parameters(), lr=3e-3)
scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=50, gamma=0.7)

for epoch in range(1, 101):
    net.train()
    running = 0.0
    for xb, yb in loader:
        optimizer.zero_grad(set_to_none=True)
        loss = (net(xb) - yb).square().mean()
        loss.backward()
        optimizer.step()
        running += loss.item()
    scheduler.step()
    if epoch % 20 == 0:
        print(f"{epoch:4d}  train {running / len(loader):.4f}")

net.eval()
with torch.inference_mode():
    watts = y_scaler.inverse_transform(net(x[700:]).numpy())
print("held-out R2:", r2_score(power[700:].numpy(), watts[:, 0]))
