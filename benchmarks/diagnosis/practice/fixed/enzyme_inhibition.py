"""Rate of an enzyme with substrate inhibition and a pH optimum, fitted in float64."""

import torch

torch.set_default_dtype(torch.float64)
torch.manual_seed(14)


def rate(substrate, inhibitor, ph):
    core = substrate / (0.6 * (1 + inhibitor / 0.8) + substrate + substrate**2 / 2.5)
    return core * torch.exp(-(((ph - 7.2) / 0.9) ** 2))


class RateModel(torch.nn.Module):
    def __init__(self, width):
        super().__init__()
        self.enter = torch.nn.Linear(3, width)
        self.inner = torch.nn.Linear(width, width)
        self.leave = torch.nn.Linear(width, 1)

    def forward(self, x):
        x = torch.tanh(self.enter(x))
        x = torch.tanh(self.inner(x))
        return self.leave(x)


substrate = 4.0 * torch.rand(900)
inhibitor = 2.0 * torch.rand(900)
ph = 6.3 + 2.7 * torch.rand(900)
assay = rate(substrate, inhibitor, ph)
assay = assay + 0.01 * torch.randn(900)
x = torch.stack([substrate - 2.0, (inhibitor - 1.0) * 1.7, (ph - 7.65) * 1.3], dim=1)
y = ((assay - assay.mean()) / assay.std()).unsqueeze(1)
x_fit, y_fit, x_new, y_new = x[:700], y[:700], x[700:], y[700:]

model = RateModel(32)
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
iteration = 0
for _ in range(80):
    for rows in torch.randperm(700).split(50):
        loss = torch.mean((model(x_fit[rows]) - y_fit[rows]) ** 2)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        iteration += 1
        if iteration % 200 == 0:
            print(f"iteration {iteration:5d}  loss {loss.item():.4f}")

with torch.no_grad():
    error = torch.mean((model(x_new) - y_new) ** 2)
    print(f"R2 on new assays: {1 - (error / y_new.var(unbiased=False)).item():.3f}")
