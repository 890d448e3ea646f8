"""Next-day inflow of a reservoir from three weeks of inflow and of rain, the forecast for that day included."""

import numpy as np
import torch
from torch import nn

WINDOW = 21


def simulate(days, rng):
    rain = rng.gamma(0.4, 8.0, days) * (0.6 + 0.4 * np.sin(2 * np.pi * np.arange(days) / 365))
    store, inflow = 20.0, np.zeros(days)
    for t in range(days):
        store += rain[t]
        inflow[t] = 0.02 * store + 0.0012 * store**2
        store -= inflow[t]
    inflow = inflow * np.exp(rng.normal(0, 0.05, days))
    return rain, inflow


class Forecaster(nn.Module):
    def __init__(self, hidden=24):
        super().__init__()
        self.gru = nn.GRU(2, hidden, batch_first=True)
        self.out = nn.Linear(hidden, 1)

    def forward(self, windows):
        _, last = self.gru(windows)
        return self.out(last[0]).squeeze(-1)


def windows(series, target):
    x = np.stack([series[t - WINDOW : t] for t in range(WINDOW, len(series))])
    return torch.tensor(x, dtype=torch.float32), torch.tensor(target[WINDOW:], dtype=torch.float32)


def main():
    rng = np.random.default_rng(13)
    torch.manual_seed(13)
    rain, inflow = simulate(1100, rng)
    cut = 850
    log_in = np.log(inflow)
    series = np.column_stack([np.sqrt(np.roll(rain, -1)), log_in])
    series = (series - series[:cut].mean(0)) / series[:cut].std(0)
    x, y = windows(series, series[:, 1])
    x_fit, y_fit, x_new, y_new = x[: cut - WINDOW], y[: cut - WINDOW], x[cut - WINDOW :], y[cut - WINDOW :]

    model = Forecaster()
    opt = torch.optim.Adam(model.parameters(), lr=5e-3)
    for epoch in range(40):
        model.train()
        order = torch.randperm(len(x_fit))
        for rows in order.split(64):
            opt.zero_grad()
            loss = nn.functional.mse_loss(model(x_fit[rows]), y_fit[rows])
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            opt.step()
        if epoch % 8 == 0:
            print(f"epoch {epoch}: loss {loss.item():.4f}")

    model.eval()
    with torch.no_grad():
        pred = model(x_new)
    last_value = x_new[:, -1, 1]
    spread = ((y_new - y_new.mean()) ** 2).sum()
    print(f"persistence R2 {1 - (((y_new - last_value) ** 2).sum() / spread).item():.3f}")
    print(f"network R2 {1 - (((y_new - pred) ** 2).sum() / spread).item():.3f}")


if __name__ == "__main__":
    main()
