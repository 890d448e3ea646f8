# Specific enthalpy of moist supply air from sensor readings in SI units
import torch
from torch import nn

gen = torch.Generator().manual_seed(8)
torch.manual_seed(8)


def readings(n):
    t = 293.15 + 4.0 * torch.randn(n, generator=gen)  # K
    p = 101325 + 400 * torch.randn(n, generator=gen)  # Pa
    rh = 0.3 + 0.5 * torch.rand(n, generator=gen)
    tc = t - 273.15
    psat = 610.94 * torch.exp(17.625 * tc / (tc + 243.04))
    w = 0.622 * rh * psat / (p - rh * psat)
    h = 1.006 * tc + w * (2501 + 1.86 * tc)  # kJ/kg
    return torch.stack([t, p, rh], 1), h.view(-1, 1)


class Enthalpy(nn.Module):
    def __init__(self, hidden):
        super().__init__()
        self.body = nn.Sequential(
            nn.Linear(3, hidden),
            nn.BatchNorm1d(hidden),
            nn.ReLU(),
            nn.Linear(hidden, hidden),
            nn.BatchNorm1d(hidden),
            nn.ReLU(),
        )
        self.out = nn.Linear(hidden, 1)

    def forward(self, x):
        return self.out(self.body(x))


x_train, h_train = readings(1500)
x_val, h_val = readings(400)
h_mean, h_std = h_train.mean(), h_train.std()
x_mean, x_std = x_train.mean(0), x_train.std(0)
x_train, x_val = (x_train - x_mean) / x_std, (x_val - x_mean) / x_std
y_train, y_val = (h_train - h_mean) / h_std, (h_val - h_mean) / h_std

net = Enthalpy(32)
opt = torch.optim.Adam(net.parameters(), lr=5e-3)
sched = torch.optim.lr_scheduler.StepLR(opt, step_size=20, gamma=0.5)
for epoch in range(60):
    net.train()
    for batch in torch.randperm(1500).chunk(15):
        opt.zero_grad()
        loss = nn.functional.smooth_l1_loss(net(x_train[batch]), y_train[batch])
        loss.backward()
        opt.step()
    sched.step()
    net.eval()
    with torch.no_grad():
        v = nn.functional.smooth_l1_loss(net(x_val), y_val)
    if epoch % 15 == 14:
        print(f"epoch {epoch + 1}: train {loss.item():.4f} val {v.item():.4f} lr {sched.get_last_lr()[0]:.5f}")

with torch.no_grad():
    err = net(x_val) - y_val
print("R2 =", round(1 - (err.pow(2).sum() / (y_val - y_val.mean()).pow(2).sum()).item(), 3))
