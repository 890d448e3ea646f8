import numpy as np
import torch

# initial rate of an enzyme with a competitive inhibitor and substrate inhibition
torch.manual_seed(5)
rng = np.random.default_rng(5)

n = 1200
substrate = rng.uniform(0.05, 10.0, n)
inhibitor = rng.uniform(0.0, 5.0, n)
ph = rng.uniform(5.5, 9.0, n)
activity = 1.0 / (1.0 + 10 ** (6.4 - ph) + 10 ** (ph - 8.3))
rate = 4.0 * activity * substrate / (1.2 * (1.0 + inhibitor / 0.8) + substrate + substrate**2 / 12.0)
rate = rate + rng.normal(0.0, 0.02, n)

features = np.column_stack([np.log(substrate), inhibitor, ph])
features = (features - features.mean(0)) / features.std(0)
x = torch.tensor(features, dtype=torch.float32)
y = torch.tensor(rate, dtype=torch.float32).unsqueeze(1)
y = (y - y.mean()) / y.std()
x_train, y_train = x[:1000], y[:1000]
x_valid, y_valid = x[1000:], y[1000:]

net = torch.nn.Sequential(
    torch.nn.Linear(3, 32),
    torch.nn.Tanh(),
    torch.nn.Linear(32, 32),
    torch.nn.Tanh(),
    torch.nn.Linear(32, 1),
)
criterion = torch.nn.MSELoss()
optim = torch.optim.Adam(net.parameters(), lr=5e-3)

batch = 50
for epoch in range(100):
    perm = torch.randperm(len(x_train))
    for i in range(0, len(x_train), batch):
        idx = perm[i : i + batch]
        out = net(x_train[idx])
        loss = criterion(out, y_train[idx])
        loss.backward()
        optim.step()
    if epoch % 20 == 0 or epoch == 99:
        with torch.no_grad():
            valid = criterion(net(x_valid), y_valid).item()
        print("epoch", epoch, "train", round(loss.item(), 4), "valid", round(valid, 4))

with torch.no_grad():
    pred = net(x_valid)
    r2 = 1 - ((pred - y_valid) ** 2).sum() / ((y_valid - y_valid.mean()) ** 2).sum()
print(f"R2 on the validation rows: {r2.item():.3f}")
