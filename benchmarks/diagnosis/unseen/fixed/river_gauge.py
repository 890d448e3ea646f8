"""Daily discharge at a gauge from the last two weeks of rain, with the efficiency that hydrologists use."""

import numpy as np
import torch
from torch import nn

WINDOW = 14


def catchment(days, seed):
    rng = np.random.default_rng(seed)
    rain = np.where(rng.random(days) < 0.35, rng.gamma(1.2, 7.0, days), 0.0)
    season = np.sin(2 * np.pi * np.arange(days) / 365)
    wet, slow, flow = 30.0, 4.0, np.zeros(days)
    for t in range(days):
        wet = min(80.0, max(5.0, wet * 0.93 + rain[t] - 1.2 * (1 + 0.6 * season[t])))
        effective = rain[t] * (wet / 80.0) ** 2
        slow = 0.85 * slow + 0.3 * effective
        flow[t] = 0.4 * effective + slow
    return rain, season, flow * np.exp(rng.normal(0, 0.05, days))


def nash_sutcliffe(sim, obs):
    return 1 - ((sim - obs) ** 2).sum() / ((obs - obs.mean()) ** 2).sum()


def windows(rain, season, flow):
    x = np.stack([np.append(rain[t - WINDOW + 1 : t + 1] / 8.0, season[t]) for t in range(WINDOW, len(rain))])
    y = flow[WINDOW:, None] / 8.0
    return torch.tensor(x, dtype=torch.float32), torch.tensor(y, dtype=torch.float32)


class RunoffNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(WINDOW + 1, 40), nn.ReLU(), nn.Linear(40, 20), nn.ReLU(), nn.Linear(20, 1)
        )

    def forward(self, x):
        return self.layers(x)


def main():
    torch.manual_seed(31)
    x, y = windows(*catchment(2600, seed=5))
    cut = 2000
    x_train, y_train, x_test, y_test = x[:cut], y[:cut], x[cut:], y[cut:]

    model = RunoffNet()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    for epoch in range(40):
        order = torch.randperm(cut)
        for start in range(0, cut, 100):
            rows = order[start : start + 100]
            loss = 1 - nash_sutcliffe(model(x_train[rows]), y_train[rows])
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
        if epoch % 8 == 0:
            print(f"epoch {epoch:2d}  loss {loss.item():.4f}")

    with torch.no_grad():
        print(f"NSE on the last years: {nash_sutcliffe(model(x_test), y_test).item():.3f}")


main()
