"""Shaft power of a turbo compressor from suction state, speed and mass flow."""

import numpy as np
import torch
from sklearn.metrics import r2_score
from sklearn.model_selection import train_test_split

torch.manual_seed(19)
rng = np.random.default_rng(19)


def shaft_power(t_in, p_in, p_out, rpm, flow):
    ratio = p_out / p_in
    head = 1.4 / 0.4 * 287 * t_in * (ratio ** (0.4 / 1.4) - 1)
    phi = flow / (0.9 + 0.1 * rpm / 3000)
    eta = 0.84 - 0.25 * (phi - 1.0) ** 2 - 0.1 * (rpm / 3000 - 1) ** 2
    return flow * head / eta / 1e3


def table(n):
    t_in = rng.uniform(270.0, 315.0, n)  # K
    p_in = rng.uniform(90e3, 110e3, n)  # Pa
    p_out = rng.uniform(150e3, 400e3, n)  # Pa
    rpm = rng.uniform(2000.0, 4000.0, n)
    flow = rng.uniform(0.5, 1.6, n)  # kg/s
    return np.column_stack([t_in, p_in, p_out, rpm, flow]), shaft_power(t_in, p_in, p_out, rpm, flow)


X, power = table(1600)
power = (power - power.mean()) / power.std()
X_train, X_test, y_train, y_test = train_test_split(X, power, test_size=0.25, random_state=19)
X_train, X_test = (torch.tensor(a, dtype=torch.float32) for a in (X_train, X_test))
y_train = torch.tensor(y_train, dtype=torch.float32).reshape(-1, 1)


class CompressorNet(torch.nn.Module):
    def __init__(self, hidden=32):
        super().__init__()
        self.inp = torch.nn.Linear(5, hidden)
        self.mid = torch.nn.Linear(hidden, hidden)
        self.out = torch.nn.Linear(hidden, 1)

    def forward(self, x):
        return self.out(torch.tanh(self.mid(torch.tanh(self.inp(x)))))


net = CompressorNet()
optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
mse = torch.nn.MSELoss()

for epoch in range(2):
    net.train()
    total = 0.0
    for rows in torch.randperm(len(X_train)).split(64):
        optimizer.zero_grad()
        loss = mse(net(X_train[rows]), y_train[rows])
        loss.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 5.0)
        optimizer.step()
        total += loss.item() * len(rows)
    print(f"epoch {epoch} training loss {total / len(X_train):.4f}")

net.eval()
with torch.no_grad():
    prediction = net(X_test).numpy().ravel()
print("test R2:", round(r2_score(y_test, prediction), 4))
