import numpy as np
import torch
from sklearn.metrics import r2_score
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class PriceNet(nn.Module):
    def __init__(self, n_in):
        super().__init__()
        self.net = nn.Sequential(
            nn.Linear(n_in, 96), nn.ReLU(), nn.Linear(96, 96), nn.ReLU(), nn.Dropout(0.4), nn.Linear(96, 1)
        )

    def forward(self, x):
        return self.net(x)


class Trainer:
    def __init__(self, model, lr=1e-3):
        self.model = model
        self.opt = torch.optim.Adam(model.parameters(), lr=lr)

    def run(self, loader, epochs):
        self.model.train()
        for epoch in range(epochs):
            for x, y in loader:
                self.opt.zero_grad()
                loss = nn.functional.mse_loss(self.model(x), y)
                loss.backward()
                self.opt.step()
            if epoch % 10 == 0:
                print(f"epoch {epoch}: loss {loss.item():.4g}")

    def predict(self, x):
        with torch.no_grad():
            return self.model(x).numpy()


def houses(n, seed=0):
    rng = np.random.default_rng(seed)
    area, rooms, age = rng.uniform(40, 240, n), rng.integers(1, 8, n), rng.uniform(0, 90, n)
    zone = rng.integers(0, 4, n)
    base = np.array([1900, 2600, 3400, 4800])[zone]
    price = area * base * (1 - 0.004 * age) + 9000 * rooms + rng.normal(0, 15000, n)
    numeric = np.column_stack([area, rooms, age])
    numeric = (numeric - numeric.mean(0)) / numeric.std(0)
    return np.hstack([numeric, np.eye(4)[zone]]).astype(np.float32), price.astype(np.float32).reshape(-1, 1)


torch.manual_seed(0)
X, price = houses(1600)
X_train, X_test, p_train, p_test = X[:1280], X[1280:], price[:1280], price[1280:]
shift, scale = 0.0, 1.0
targets = (p_train - shift) / scale

loader = DataLoader(TensorDataset(torch.from_numpy(X_train), torch.from_numpy(targets)), batch_size=64, shuffle=True)
trainer = Trainer(PriceNet(X.shape[1]))
trainer.run(loader, epochs=60)
estimate = trainer.predict(torch.from_numpy(X_test)) * scale + shift
print("R2:", r2_score(p_test, estimate))
