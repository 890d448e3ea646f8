"""Calibration of a five-channel spectrometer: a single linear layer, summed squared errors, plain SGD."""

import torch

torch.manual_seed(6)
true_w = torch.tensor([0.8, -1.2, 0.3, 0.0, 2.1], dtype=torch.float64)
channels = torch.randn(500, 5, dtype=torch.float64)
level = channels @ true_w + 0.7 + 0.2 * torch.randn(500, dtype=torch.float64)

layer = torch.nn.Linear(5, 1, dtype=torch.float64)
opt = torch.optim.SGD(layer.parameters(), lr=2e-5)
for sweep in range(1500):
    opt.zero_grad()
    loss = torch.sum((layer(channels[:400]).flatten() - level[:400]) ** 2)
    loss.backward()
    opt.step()
    if sweep % 300 == 0:
        print(sweep, f"{loss.item():.3f}")

with torch.no_grad():
    guess = layer(channels[400:]).flatten()
print("weights", [round(w, 3) for w in layer.weight[0].tolist()])
print("R2", (1 - (guess - level[400:]).square().mean() / level[400:].var()).item())
