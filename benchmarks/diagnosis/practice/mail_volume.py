import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class Volume(nn.Module):
    def __init__(self):
        super().__init__()
        self.weekday = nn.Embedding(7, 3)
        self.region = nn.Embedding(12, 4)
        self.mlp = nn.Sequential(nn.Linear(9, 24), nn.ReLU(), nn.Linear(24, 1))

    def forward(self, day, region, numeric):
        joined = torch.cat([self.weekday(day), self.region(region), numeric], dim=-1)
        return self.mlp(joined).squeeze(-1)


def generate(n):
    day = torch.randint(0, 7, (n,))
    region = torch.randint(0, 12, (n,))
    numeric = torch.rand(n, 2)
    by_day = torch.tensor([1.2, 0.4, 0.2, 0.3, 0.6, -0.9, -1.5])
    by_region = torch.linspace(-0.8, 0.8, 12)[torch.randperm(12, generator=torch.Generator().manual_seed(5))]
    clean = by_day[day] + by_region[region] * (0.5 + numeric[:, 0]) + 0.8 * torch.sin(4 * numeric[:, 1])
    return day, region, numeric, clean + 0.8 * torch.randn(n)


torch.manual_seed(5)
train = TensorDataset(*generate(4800))
day_t, region_t, numeric_t, volume_t = generate(800)
model = Volume()
optimizer = torch.optim.AdamW(model.parameters(), lr=8e-3, weight_decay=1e-2)
loss_fn = nn.SmoothL1Loss()
ACCUMULATE = 2

for epoch in range(12):
    seen = 0.0
    for i, (day, region, numeric, volume) in enumerate(DataLoader(train, batch_size=30, shuffle=True)):
        loss = loss_fn(model(day, region, numeric), volume) / ACCUMULATE
        loss.backward()
        seen += loss.item() * ACCUMULATE
        if (i + 1) % ACCUMULATE == 0:
            optimizer.step()
            optimizer.zero_grad()
    if epoch % 3 == 2:
        print(f"epoch {epoch + 1} loss {seen / (i + 1):.4f}")

model.eval()
with torch.no_grad():
    guess = model(day_t, region_t, numeric_t)
print(f"R2 {1 - ((guess - volume_t) ** 2).mean().item() / volume_t.var(correction=0).item():.3f}")
