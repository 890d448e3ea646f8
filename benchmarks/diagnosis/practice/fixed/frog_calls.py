"""Is a recorded frog call an advertisement call or a release call?"""

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

CONFIG = {"loss": "bce_logits", "optimizer": "adam", "lr": 3e-3, "epochs": 25, "batch": 32}
LOSSES = {"cross_entropy": nn.CrossEntropyLoss, "bce_logits": nn.BCEWithLogitsLoss, "mse": nn.MSELoss}
OPTIMIZERS = {"adam": torch.optim.Adam, "sgd": torch.optim.SGD}


def recordings(n, rng):
    label = (rng.random(n) < 0.45).astype(float)
    pulse_rate = np.where(label == 1, rng.normal(42, 9, n), rng.normal(30, 11, n))
    peak_khz = np.where(label == 1, rng.normal(2.3, 0.35, n), rng.normal(1.9, 0.5, n))
    duration = np.where(label == 1, rng.normal(0.9, 0.3, n), np.abs(rng.normal(0.4, 0.5, n)) + 0.1)
    bandwidth = 0.3 + 0.25 * np.abs(peak_khz - 2.2) * (1 - 2 * label) + rng.normal(0, 0.08, n)
    return np.column_stack([pulse_rate, peak_khz, duration, bandwidth]), label


class CallNet(nn.Module):
    def __init__(self, n_in):
        super().__init__()
        self.fc1 = nn.Linear(n_in, 24)
        self.fc2 = nn.Linear(24, 24)
        self.fc3 = nn.Linear(24, 1)

    def forward(self, x):
        x = torch.relu(self.fc1(x))
        return self.fc3(torch.relu(self.fc2(x)))


def main():
    torch.manual_seed(9)
    rng = np.random.default_rng(9)
    x, label = recordings(1500, rng)
    x = (x - x.mean(0)) / x.std(0)
    x = torch.tensor(x, dtype=torch.float32)
    y = torch.tensor(label, dtype=torch.float32).reshape(-1, 1)
    loader = DataLoader(TensorDataset(x[:1100], y[:1100]), batch_size=CONFIG["batch"], shuffle=True)
    model = CallNet(4)
    criterion = LOSSES[CONFIG["loss"]]()
    optimizer = OPTIMIZERS[CONFIG["optimizer"]](model.parameters(), lr=CONFIG["lr"])
    for epoch in range(CONFIG["epochs"]):
        total = 0.0
        for xb, yb in loader:
            optimizer.zero_grad()
            loss = criterion(model(xb), yb)
            loss.backward()
            optimizer.step()
            total += loss.item()
        if epoch % 5 == 0:
            print(f"epoch {epoch:2d} loss {total / len(loader):.4f}")
    with torch.no_grad():
        hit = ((model(x[1100:]) > 0).float() == y[1100:]).float().mean().item()
    print(f"accuracy {hit:.3f}")


if __name__ == "__main__":
    main()
