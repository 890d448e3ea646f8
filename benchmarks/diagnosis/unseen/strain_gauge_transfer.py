import torch
from torch import nn
from torch.nn.functional import mse_loss


def gauge_response(x, gain, offset):
    strain, temp, angle = x.unbind(1)
    apparent = torch.sin(1.6 * strain) + 0.5 * strain * torch.tanh(temp)
    drift = 0.4 * temp**2 - 0.3 * torch.cos(2 * angle)
    return (gain[0] * apparent + gain[1] * drift + offset).unsqueeze(1)


def r2(pred, y):
    return 1 - (mse_loss(pred, y) / y.var(unbiased=False)).item()


def fit(parameters, forward, x, y, lr, epochs, name):
    opt = torch.optim.Adam(parameters, lr=lr)
    for epoch in range(epochs):
        for rows in torch.randperm(len(x)).split(64):
            loss = mse_loss(forward(x[rows]), y[rows])
            opt.zero_grad()
            loss.backward()
            opt.step()
        if (epoch + 1) % 20 == 0:
            print(f"{name} epoch {epoch + 1} loss {loss.item():.5f}")


torch.manual_seed(52)
x_lab = 3 * torch.rand(1500, 3) - 1.5
y_lab = torch.cat([gauge_response(x_lab, (1.0, 0.0), 0.0), gauge_response(x_lab, (0.0, 1.0), 0.2)], 1)
y_lab = y_lab + 0.01 * torch.randn_like(y_lab)

backbone = nn.Sequential(nn.Linear(3, 48), nn.Tanh(), nn.Linear(48, 24), nn.Tanh())
lab_head = nn.Linear(24, 2)
fit(
    [*backbone.parameters(), *lab_head.parameters()],
    lambda x: lab_head(backbone(x)),
    x_lab,
    y_lab,
    lr=4e-3,
    epochs=60,
    name="lab",
)

for p in backbone.parameters():
    p.requires_grad_(False)

x_site = 3 * torch.rand(300, 3) - 1.5
y_site = gauge_response(x_site, (1.4, -0.7), 0.35) + 0.05 * torch.randn(300, 1)
site_head = nn.Linear(24, 1)
site_model = nn.Sequential(backbone, site_head)
fit(site_head.parameters(), site_model, x_site[:150], y_site[:150], lr=1e-2, epochs=100, name="site")

with torch.no_grad():
    print(f"site R2 {r2(site_model(x_site[150:]), y_site[150:]):.3f}")
