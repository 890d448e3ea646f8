"""Period of a physical pendulum, loss measured in seconds."""

import numpy as np
import torch
from sklearn.metrics import r2_score
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

torch.manual_seed(13)
rng = np.random.default_rng(13)

n = 1000
length = rng.uniform(0.2, 3.0, n)
amplitude = rng.uniform(0.1, 2.4, n)
bob_ratio = rng.uniform(0.0, 0.5, n)

m = np.sin(amplitude / 2) ** 2
a, g = np.ones(n), np.sqrt(1 - m)
for _ in range(6):
    a, g = (a + g) / 2, np.sqrt(a * g)
period = 2 * np.pi * np.sqrt(length * (1 + 0.4 * bob_ratio**2) / 9.81) / a

X = np.column_stack([length, amplitude, bob_ratio])
X_train, X_test, t_train, t_test = train_test_split(X, period, test_size=0.25, random_state=0)
x_scaler = StandardScaler().fit(X_train)
t_scaler = StandardScaler().fit(t_train[:, None])
X_train = torch.tensor(x_scaler.transform(X_train), dtype=torch.float32)
X_test = torch.tensor(x_scaler.transform(X_test), dtype=torch.float32)
t_train = torch.tensor(t_train[:, None], dtype=torch.float32)

net = torch.nn.Sequential(
    torch.nn.Linear(3, 30), torch.nn.GELU(), torch.nn.Linear(30, 30), torch.nn.GELU(), torch.nn.Linear(30, 1)
)
optimizer = torch.optim.Adam(net.parameters(), lr=5e-3)
loss_fn = torch.nn.L1Loss()


def predict_seconds(x):
    scaled = net(x)
    seconds = t_scaler.inverse_transform(scaled.detach().numpy())
    return torch.tensor(seconds, dtype=torch.float32, requires_grad=True)


for epoch in range(300):
    optimizer.zero_grad()
    loss = loss_fn(predict_seconds(X_train), t_train)
    loss.backward()
    optimizer.step()
    if epoch % 50 == 0:
        print(f"epoch {epoch} mean error {loss.item():.4f} s")

pred = predict_seconds(X_test).detach().numpy()
print(f"R2 {r2_score(t_test, pred):.3f}")
