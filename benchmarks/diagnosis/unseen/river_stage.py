import numpy as np
import torch
from torch import nn

rng = np.random.default_rng(3)
torch.manual_seed(3)

# daily rain and river stage (rectified linear reservoir pair); forecast tomorrow from the last 7 days
T = 1500
rain = rng.gamma(0.4, 6.0, T) * (rng.random(T) < 0.45)
fast, slow, stage = 0.0, 0.0, np.zeros(T)
for d in range(T):
    excess = max(rain[d] - 3.0, 0.0)
    fast = 0.55 * fast + 0.45 * excess
    slow = 0.97 * slow + 0.03 * rain[d]
    stage[d] = fast + 2.0 * slow
stage += rng.normal(0, 0.1, T)

W = 7
rain_s, stage_s = rain / rain.std(), (stage - stage.mean()) / stage.std()
X = np.stack([np.concatenate([stage_s[i : i + W], rain_s[i + 1 : i + W + 1]]) for i in range(T - W)])
y = stage_s[W:]
X, y = torch.tensor(X, dtype=torch.float32), torch.tensor(y, dtype=torch.float32)
X_past, y_past, X_future, y_future = X[:1100], y[:1100], X[1100:], y[1100:]


class StageNet(nn.Module):
    def __init__(self, width=64):
        super().__init__()
        self.hidden = nn.Linear(2 * W, width)
        self.out = nn.Linear(width, 1)
        nn.init.normal_(self.hidden.bias, mean=-0.5, std=1.0)

    def forward(self, x):
        return self.out(self.hidden(x).relu()).squeeze(-1)


net = StageNet()
optimizer = torch.optim.SGD(net.parameters(), lr=2e-3, momentum=0.9)
for epoch in range(250):
    for rows in torch.randperm(len(X_past)).split(50):
        loss = (net(X_past[rows]) - y_past[rows]).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    if epoch % 30 == 0:
        print(epoch, f"{loss.item():.4f}")

with torch.no_grad():
    error = (net(X_future) - y_future).square().mean()
persistence = (X_future[:, W - 1] - y_future).square().mean()
print(f"R2 {1 - (error / y_future.var()).item():.4f}  (persistence {1 - (persistence / y_future.var()).item():.4f})")
