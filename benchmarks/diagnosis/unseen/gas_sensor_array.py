import numpy as np
import torch
from torch import nn

torch.manual_seed(19)
rng = np.random.default_rng(19)


def responses(conc):
    """Eight metal-oxide sensors in a mixture of ethanol, acetone and toluene (ppm / 100)."""
    sens = np.array([[1.2, 0.3, 0.5], [0.4, 1.1, 0.2], [0.3, 0.4, 1.4], [0.9, 0.8, 0.1],
                     [0.2, 0.9, 0.9], [1.0, 0.2, 1.0], [0.6, 0.6, 0.6], [1.5, 0.1, 0.2]])  # fmt: skip
    power = np.array([0.55, 0.6, 0.5, 0.7, 0.65, 0.6, 0.75, 0.5])
    return np.log1p(3 * (conc @ sens.T) ** power) * (1 + rng.normal(0, 0.01, (len(conc), 8)))


conc = rng.uniform(0.1, 3.0, (1600, 3))
x = responses(conc)
x = (x - x.mean(0)) / x.std(0)
y = (conc - conc.mean(0)) / conc.std(0)
x, y = torch.tensor(x, dtype=torch.float32), torch.tensor(y, dtype=torch.float32)
x_fit, y_fit, x_check, y_check = x[:1300], y[:1300], x[1300:], y[1300:]


class Nose(nn.Module):
    def __init__(self):
        super().__init__()
        self.l1 = nn.Linear(8, 128)
        self.l2 = nn.Linear(128, 128)
        self.drop = nn.Dropout(0.5)
        self.out = nn.Linear(128, 3)

    def forward(self, v):
        v = self.drop(torch.relu(self.l1(v)))
        v = self.drop(torch.relu(self.l2(v)))
        return self.out(v)


def r2(pred, true):
    return (1 - ((true - pred) ** 2).sum(0) / ((true - true.mean(0)) ** 2).sum(0)).mean().item()


nose = Nose()
optim = torch.optim.Adam(nose.parameters(), lr=2e-3)
sched = torch.optim.lr_scheduler.StepLR(optim, step_size=25, gamma=0.4)
for epoch in range(75):
    nose.train()
    for idx in torch.randperm(len(x_fit)).split(100):
        loss = nn.functional.mse_loss(nose(x_fit[idx]), y_fit[idx])
        optim.zero_grad()
        loss.backward()
        optim.step()
    sched.step()
    if epoch % 15 == 14:
        with torch.no_grad():
            print(f"epoch {epoch + 1:3d}  loss {loss.item():.4f}  check R2 {r2(nose(x_check), y_check):.4f}")

with torch.no_grad():
    final = nose(x_check)
print("R2 over the three gases:", round(r2(final, y_check), 4))
