import math

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(23)

# significant wave height from wind speed (10 m/s), fetch (100 km) and depth (100 m), SMB-like
wind = 0.5 + 2.0 * torch.rand(1536)
fetch = 0.1 + 2.9 * torch.rand(1536)
depth = 0.1 + 0.9 * torch.rand(1536)
u2g = (10 * wind) ** 2 / 9.81
a = torch.tanh(0.53 * (100 * depth / u2g) ** 0.75)
height = 0.283 * u2g * a * torch.tanh(0.0125 * (1e5 * fetch / u2g) ** 0.42 / a)
height = height * torch.exp(0.05 * torch.randn(1536))

features = torch.stack([wind, fetch, depth], dim=-1)
labels = (height / 4).unsqueeze(-1)
train = TensorDataset(features[:1280], labels[:1280])
micro_batch, accumulation = 32, 4
loader = DataLoader(train, batch_size=micro_batch, shuffle=True)

model = nn.Sequential(nn.Linear(3, 40), nn.ReLU(), nn.Linear(40, 40), nn.ReLU(), nn.Linear(40, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
scheduler = torch.optim.lr_scheduler.OneCycleLR(
    optimizer, max_lr=1e-2, epochs=60, steps_per_epoch=len(loader) // accumulation
)

for epoch in range(60):
    seen = 0.0
    for k, (x, target) in enumerate(loader, start=1):
        loss = nn.functional.mse_loss(model(x), target)
        (loss / accumulation).backward()
        seen += loss.item()
        if k % accumulation == 0:
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            optimizer.zero_grad()
            scheduler.step()
    if (epoch + 1) % 12 == 0:
        print(f"epoch {epoch + 1}: rmse {math.sqrt(seen / len(loader)) * 4:.3f} m")

with torch.no_grad():
    guess = model(features[1280:])
truth = labels[1280:]
print("R2", 1 - ((truth - guess).square().sum() / (truth - truth.mean()).square().sum()).item())
