"""Tomorrow's rain amount (log scale) from today's weather."""

import copy

import numpy as np
import torch
from sklearn.metrics import r2_score
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def make_weather(n, rng):
    pressure = rng.normal(0, 1, n)
    humidity = rng.normal(0, 1, n) - 0.3 * pressure
    wind = rng.gamma(2, 0.5, n)
    season = rng.uniform(0, 2 * np.pi, n)
    signal = 0.9 * np.tanh(humidity - pressure) + 0.3 * wind * (pressure < -0.3) + 0.4 * np.sin(season)
    rain = signal + rng.normal(0, 0.7, n)
    return np.column_stack([pressure, humidity, wind, np.sin(season), np.cos(season)]), rain


class RainNet(nn.Module):
    def __init__(self, n_in=5, width=64):
        super().__init__()
        self.fc1 = nn.Linear(n_in, width)
        self.fc2 = nn.Linear(width, width)
        self.fc3 = nn.Linear(width, 1)
        nn.init.normal_(self.fc1.bias, std=1.5)

    def forward(self, x):
        x = torch.relu(self.fc1(x))
        x = torch.relu(self.fc2(x))
        return self.fc3(x).squeeze(-1)


def main():
    torch.manual_seed(31)
    rng = np.random.default_rng(31)
    x, y = make_weather(4000, rng)
    x, y = torch.tensor(x, dtype=torch.float32), torch.tensor(y, dtype=torch.float32)
    train = TensorDataset(x[:2800], y[:2800])
    x_val, y_val, x_test, y_test = x[2800:3400], y[2800:3400], x[3400:], y[3400:]

    model = RainNet()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=1e-2)
    best, best_state, patience = float("inf"), None, 0
    for epoch in range(60):
        model.train()
        for xb, yb in DataLoader(train, batch_size=100, shuffle=True):
            optimizer.zero_grad()
            loss = nn.functional.mse_loss(model(xb), yb)
            loss.backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            val = nn.functional.mse_loss(model(x_val), y_val).item()
        if epoch % 5 == 0:
            print(f"epoch {epoch} train {loss.item():.4f} val {val:.4f}")
        if val < best:
            best, best_state, patience = val, copy.deepcopy(model.state_dict()), 0
        else:
            patience += 1
            if patience >= 8:
                print("stopped early at", epoch)
                break

    model.load_state_dict(best_state)
    with torch.no_grad():
        print(f"test R2 {r2_score(y_test.numpy(), model(x_test).numpy()):.3f}")


if __name__ == "__main__":
    main()
