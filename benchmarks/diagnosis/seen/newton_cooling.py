# Temperature of a cooling cup from time, start temperature and room temperature
import numpy as np
import torch

torch.manual_seed(0)
np.random.seed(0)

n = 600
minutes = np.random.uniform(0, 30, n)
start = np.random.uniform(60, 95, n)
room = np.random.uniform(15, 28, n)
temp = room + (start - room) * np.exp(-0.04 * minutes) + np.random.normal(0, 1.0, n)

X = np.stack([minutes, start, room], axis=1)
X = torch.tensor((X - X.mean(0)) / X.std(0), dtype=torch.float32)
y = torch.tensor((temp - temp.mean()) / temp.std(), dtype=torch.float32).unsqueeze(1)

model = torch.nn.Sequential(torch.nn.Linear(3, 20), torch.nn.Tanh(), torch.nn.Linear(20, 1))
optimizer = torch.optim.SGD(model.parameters(), lr=3e-3, momentum=0.9)
loss_fn = torch.nn.MSELoss()

for step in range(6001):
    optimizer.zero_grad()
    loss = loss_fn(model(X[:480]), y[:480])
    loss.backward()
    optimizer.step()
    if step % 1000 == 0:
        print(step, loss.item())

with torch.no_grad():
    test_mse = loss_fn(model(X[480:]), y[480:])
    print("test mse", test_mse.item())
    print("test R2", (1 - test_mse / y[480:].var()).item())
