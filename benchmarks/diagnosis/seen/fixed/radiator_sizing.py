"""Heat output of panel radiators, minibatch SGD with momentum."""

import numpy as np
import torch
import torch.nn.functional as F

torch.manual_seed(9)
rng = np.random.default_rng(9)


def output_watt(height, length, t_flow, t_return, t_room):
    excess = (t_flow - t_return) / np.log((t_flow - t_room) / (t_return - t_room))
    return 2.2 * 1000 * height * length * (excess / 50) ** 1.3


n = 1280
height = rng.uniform(0.3, 0.9, n)
length = rng.uniform(0.4, 2.0, n)
t_flow = rng.uniform(50, 80, n)
t_return = t_flow - rng.uniform(5, 20, n)
t_room = rng.uniform(15, 24, n)
X = np.column_stack([height, length, t_flow, t_return, t_room])
q = output_watt(height, length, t_flow, t_return, t_room)

X = torch.tensor((X - X.mean(0)) / X.std(0)).float()
q = torch.tensor((q - q.mean()) / q.std()).float().unsqueeze(1)
X_train, q_train = X[:1024], q[:1024]
X_test, q_test = X[1024:], q[1024:]

model = torch.nn.Sequential(
    torch.nn.Linear(5, 32),
    torch.nn.Tanh(),
    torch.nn.Linear(32, 32),
    torch.nn.Tanh(),
    torch.nn.Linear(32, 1),
)
optimizer = torch.optim.SGD(model.parameters(), lr=0.02, momentum=0.9)


def run_epoch(batch_size=64):
    total = 0.0
    for idx in torch.randperm(len(X_train)).split(batch_size):
        optimizer.zero_grad()
        loss = F.mse_loss(model(X_train[idx]), q_train[idx])
        loss.backward()
        optimizer.step()
        total += loss.item() * len(idx)
    return total / len(X_train)


for epoch in range(60):
    train_loss = run_epoch()
    if epoch % 12 == 0:
        print(f"{epoch:3d}: {train_loss:.5f}")

with torch.no_grad():
    mse = F.mse_loss(model(X_test), q_test)
    print(f"test mse {mse.item():.5f}, R2 {1 - mse.item() / q_test.var().item():.4f}")
