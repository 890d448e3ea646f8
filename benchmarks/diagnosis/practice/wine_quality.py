# Neural network for wine score prediction (assignment 3)
import numpy as np
import torch
import torch.nn as nn
from sklearn.metrics import mean_squared_error, r2_score
from sklearn.preprocessing import StandardScaler

device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
torch.manual_seed(10)
np.random.seed(10)

# data
acidity = np.random.normal(8, 1.5, 1000)
sugar = np.random.gamma(2.0, 1.5, 1000)
alcohol = np.random.normal(10.5, 1.0, 1000)
so2 = np.random.uniform(10, 120, 1000)
score = 5 + 1.2 * (alcohol - 10.5) - 0.3 * (acidity - 8) ** 2 + 0.02 * (so2 - 60) + 0.8 * np.sin(sugar)
score = score + 0.2 * np.random.randn(1000)
data = np.c_[acidity, sugar, alcohol, so2]

x_train, x_test = data[:800], data[800:]
y_train, y_test = score[:800].reshape(-1, 1), score[800:].reshape(-1, 1)

x_scaler, y_scaler = StandardScaler(), StandardScaler()
x_train = x_scaler.fit_transform(x_train)
x_test = x_scaler.transform(x_test)
y_train = y_scaler.fit_transform(y_train)

x_train = torch.from_numpy(x_train).float().to(device)
y_train = torch.from_numpy(y_train).float().to(device)
x_test = torch.from_numpy(x_test).float().to(device)

net = nn.Sequential(
    nn.Linear(4, 64),
    nn.ReLU(),
    nn.Linear(64, 64),
    nn.ReLU(),
    nn.Linear(64, 1),
    nn.Sigmoid(),
).to(device)

optimizer = torch.optim.Adam(net.parameters(), lr=0.005)
mse = nn.MSELoss()

best = float("inf")
losses = []
for i in range(500):
    net.train()
    optimizer.zero_grad()
    out = net(x_train)
    loss = mse(out, y_train)
    loss.backward()
    optimizer.step()
    losses.append(loss.item())
    if loss.item() < best:
        best = loss.item()
    if i % 100 == 99:
        print("Iteration:", i + 1, "Loss:", loss.item(), "Best:", best)

net.eval()
with torch.no_grad():
    pred = y_scaler.inverse_transform(net(x_test).cpu().numpy())
print("RMSE:", mean_squared_error(y_test, pred) ** 0.5)
print("R2:", r2_score(y_test, pred))
