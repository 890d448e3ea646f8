import torch
from torch import nn

torch.manual_seed(70)
torch.set_default_dtype(torch.float64)

# six bridge voltages (mV) of a load cell against three forces and three moments
mixing = torch.randn(6, 6) * 0.4 + 1.5 * torch.eye(6)
wrench = torch.randn(300, 6)
bridges = wrench @ mixing + 0.3 + 0.01 * torch.randn(300, 6)

model = nn.Linear(6, 6)
optimizer = torch.optim.LBFGS(model.parameters(), lr=1.0, max_iter=20, line_search_fn="strong_wolfe")


def closure():
    optimizer.zero_grad()
    loss = nn.functional.mse_loss(model(bridges), wrench)
    loss.backward()
    return loss


for outer in range(8):
    loss = optimizer.step(closure)
    print(f"round {outer}: mse {loss.item():.3e}")

with torch.no_grad():
    residual = wrench - model(bridges)
per_axis = 1 - residual.var(0) / wrench.var(0)
print("R2 per axis:", [round(v, 4) for v in per_axis.tolist()])
print(f"mean R2: {per_axis.mean().item():.4f}")
