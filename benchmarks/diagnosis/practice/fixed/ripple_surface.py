import torch
from torch import nn

torch.manual_seed(8)


def surface(p):
    return torch.sin(3.0 * p[:, 0]) * torch.cos(2.5 * p[:, 1]) + 0.4 * p[:, 0] * p[:, 1]


points = torch.rand(1000, 2) * 4 - 2
height = surface(points) + 0.02 * torch.randn(1000)
perm = torch.randperm(1000)
tr, va, te = perm[:700], perm[700:800], perm[800:]

HIDDEN = 40
model = nn.Sequential(
    nn.Linear(2, HIDDEN),
    nn.Tanh(),
    nn.Linear(HIDDEN, HIDDEN),
    nn.Tanh(),
    nn.Linear(HIDDEN, 1),
    nn.Flatten(0),
)
optimizer = torch.optim.AdamW(model.parameters(), lr=0.01, weight_decay=1e-5)
plateau = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, factor=0.5, patience=40)

best, kept = float("inf"), None
for epoch in range(180):
    for rows in tr[torch.randperm(len(tr))].split(100):
        optimizer.zero_grad()
        loss = nn.functional.mse_loss(model(points[rows]), height[rows])
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        val = nn.functional.mse_loss(model(points[va]), height[va]).item()
    plateau.step(val)
    if val < best:
        best = val
        kept = {k: v.clone() for k, v in model.state_dict().items()}
    if epoch % 30 == 0:
        print(f"epoch {epoch}: train {loss.item():.4f}, validation {val:.4f}")

model.load_state_dict(kept)
with torch.no_grad():
    err = (model(points[te]) - height[te]).pow(2).mean()
print(f"test R2 {1 - err / height[te].var(unbiased=False):.3f}")
