# Far-field intensity behind a double slit, learned from simulated detector readings.
import math

import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(21)

N_TRAIN, N_TEST = 1200, 400
sine = torch.rand(N_TRAIN + N_TEST) * 2.0 - 1.0
spacing = torch.rand(N_TRAIN + N_TEST) * 0.8 + 1.3
width = torch.rand(N_TRAIN + N_TEST) * 0.3 + 0.3

envelope = torch.sinc(width * sine) ** 2
fringes = torch.cos(math.pi * spacing * sine) ** 2
intensity = envelope * fringes
reading = intensity + 0.02 * torch.randn_like(intensity)

X = torch.stack([1.7 * sine, (spacing - 1.7) / 0.23, (width - 0.45) / 0.087], dim=1)
Y = ((reading - 0.45) / 0.33).reshape(-1, 1)
X_train, X_test = X[:N_TRAIN], X[N_TRAIN:]
Y_train, Y_test = Y[:N_TRAIN], Y[N_TRAIN:]


class Detector(nn.Module):
    def __init__(self, hidden=48):
        super().__init__()
        self.fc1 = nn.Linear(3, hidden)
        self.fc2 = nn.Linear(hidden, hidden)
        self.out = nn.Linear(hidden, 1)

    def forward(self, x):
        x = torch.tanh(self.fc1(x))
        x = torch.tanh(self.fc2(x))
        return self.out(x)


model = Detector()
opt = torch.optim.Adam(model.parameters(), lr=0.01)
sched = torch.optim.lr_scheduler.CosineAnnealingLR(opt, T_max=1200, eta_min=1e-4)

for step in range(1200):
    opt.zero_grad()
    loss = F.mse_loss(model(X_train), Y_train)
    loss.backward()
    opt.step()
    sched.step()
    if step % 250 == 0:
        print("step", step, "mse", round(loss.item(), 5))

model.eval()
with torch.no_grad():
    mse = F.mse_loss(model(X_test), Y_test)
print("R2 on test readings:", round(1.0 - (mse / Y_test.var(unbiased=False)).item(), 4))
