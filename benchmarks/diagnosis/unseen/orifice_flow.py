import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(13)
rng = np.random.default_rng(13)

# flow through an orifice plate: bore ratio, pressure difference in kPa, density
n = 960
beta = rng.uniform(0.25, 0.75, n)
dp = rng.uniform(1, 60, n)
rho = rng.uniform(0.7, 1.3, n)
c = 0.596 + 0.0261 * beta**2 - 0.216 * beta**8
sign = rng.choice([-1.0, 1.0], n)  # flow may reverse
q = sign * c * beta**2 / np.sqrt(1 - beta**4) * np.sqrt(dp / rho)
x = np.column_stack([beta, sign * dp, rho])
x = (x - x.mean(0)) / x.std(0)
y = (q / q.std())[:, None]

train = TensorDataset(torch.tensor(x[:720]).float(), torch.tensor(y[:720]).float())
x_test, y_test = torch.tensor(x[720:]).float(), torch.tensor(y[720:]).float()
loader = DataLoader(train, batch_size=90, shuffle=True)


class FlowNet(nn.Module):
    def __init__(self, hidden=48):
        super().__init__()
        self.inp = nn.Linear(3, hidden)
        self.mid = nn.Linear(hidden, hidden)
        self.out = nn.Linear(hidden, 1)
        self.act = nn.ReLU()

    def forward(self, x):
        x = self.inp(x)
        x = self.mid(x)
        return self.out(x)


model = FlowNet()
optimizer = torch.optim.Adam(model.parameters(), lr=4e-3)
criterion = nn.MSELoss()
ACCUMULATE = 16

for epoch in range(100):
    optimizer.zero_grad()
    running = 0.0
    for i, (xb, yb) in enumerate(loader):
        loss = criterion(model(xb), yb) / ACCUMULATE
        loss.backward()
        if (i + 1) % ACCUMULATE == 0:
            optimizer.step()
            optimizer.zero_grad()
        running += loss.item() * ACCUMULATE
    if epoch % 20 == 0:
        print(f"epoch {epoch:3d} loss {running / len(loader):.5f}")

model.eval()
with torch.no_grad():
    mse = criterion(model(x_test), y_test).item()
print("test mse", mse)
print("test R2 ", 1 - mse / y_test.var(unbiased=False).item())
