# Reflectance of a single dielectric layer on glass, angle and thickness varying
import math

import torch
import torch.nn.functional as F
from sklearn.metrics import r2_score

torch.manual_seed(3)

N = 2000
thick = 80 + 420 * torch.rand(N)  # nm
lam = 450 + 300 * torch.rand(N)  # nm
n_film = 1.6 + 0.7 * torch.rand(N)

delta = 2 * math.pi * n_film * thick / lam
r01 = (1 - n_film) / (1 + n_film)
r12 = (n_film - 1.5) / (n_film + 1.5)
num = r01**2 + r12**2 + 2 * r01 * r12 * torch.cos(2 * delta)
den = 1 + (r01 * r12) ** 2 + 2 * r01 * r12 * torch.cos(2 * delta)
refl = 100 * num / den

X = torch.stack([(thick - 290) / 120, (lam - 600) / 87, (n_film - 1.95) / 0.2], dim=1)
mu, sd = refl[:1600].mean(), refl[:1600].std()
Y = ((refl - mu) / sd).reshape(-1, 1)

model = torch.nn.Sequential(
    torch.nn.Linear(3, 64),
    torch.nn.Tanh(),
    torch.nn.Linear(64, 64),
    torch.nn.Tanh(),
    torch.nn.Linear(64, 1),
)
optimizer = torch.optim.AdamW(model.parameters(), lr=0.01, weight_decay=1e-5)
scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=0.01, total_steps=150 * 13)

history = []
for epoch in range(150):
    order = torch.randperm(1600)
    running = 0.0
    for idx in order.split(128):
        optimizer.zero_grad(set_to_none=True)
        loss = F.mse_loss(model(X[idx]), Y[idx])
        loss.backward()
        optimizer.step()
        scheduler.step()
        running += loss.item()
    history.append(running / 13)
    if (epoch + 1) % 30 == 0:
        print(epoch + 1, round(history[-1], 4))

with torch.inference_mode():
    pred = model(X[1600:]) * sd + mu
print("R2 reflectance:", round(r2_score(refl[1600:].numpy(), pred.squeeze(1).numpy()), 3))
