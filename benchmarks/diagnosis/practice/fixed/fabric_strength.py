import numpy as np
import torch
import torch.nn as nn
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

torch.manual_seed(21)
rs = np.random.RandomState(21)

# woven cotton: ends/cm, picks/cm, yarn count (tex), twist factor, crimp %
n = 900
ends = rs.uniform(18, 40, n)
picks = rs.uniform(14, 34, n)
tex = rs.uniform(12, 45, n)
twist = rs.uniform(30, 50, n)
crimp = rs.uniform(3, 14, n)
tenacity = 16 - 0.045 * (twist - 41) ** 2
strength = ends * tex * tenacity / 100 * (1 + 0.006 * picks) * (1 - 0.02 * crimp) + rs.normal(0, 3, n)

data = np.c_[ends, picks, tex, twist, crimp]
X_tr, X_te, y_tr, y_te = train_test_split(data, strength, test_size=0.25, random_state=0)
sx, sy = StandardScaler().fit(X_tr), StandardScaler().fit(y_tr[:, None])
X_tr, X_te = (torch.from_numpy(sx.transform(a)).float() for a in (X_tr, X_te))
y_tr, y_te = (torch.from_numpy(sy.transform(a[:, None])).float() for a in (y_tr, y_te))


class StrengthNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList([nn.Linear(5, 48), nn.Linear(48, 48)])
        self.head = nn.Linear(48, 1)
        self.layers.apply(self._init)

    @staticmethod
    def _init(m):
        if isinstance(m, nn.Linear):
            nn.init.normal_(m.weight, mean=0.0, std=0.1)
            nn.init.constant_(m.bias, 0.0)

    def forward(self, x):
        for layer in self.layers:
            x = torch.relu(layer(x))
        return self.head(x)


net = StrengthNet()
adam = torch.optim.Adam(net.parameters(), lr=3e-3)
for step in range(1, 401):
    adam.zero_grad()
    loss = ((net(X_tr) - y_tr) ** 2).mean()
    loss.backward()
    adam.step()
    if step % 100 == 0:
        with torch.no_grad():
            val = ((net(X_te) - y_te) ** 2).mean()
        print(f"step {step}: train {loss.item():.4f}  test {val.item():.4f}")

with torch.no_grad():
    r2 = 1 - ((net(X_te) - y_te) ** 2).mean() / y_te.var(unbiased=False)
print(f"R2 on the test fabrics: {r2.item():.3f}")
