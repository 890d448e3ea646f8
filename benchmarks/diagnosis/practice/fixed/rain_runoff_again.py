"""Daily runoff of a small catchment from the rain of the last days."""

import numpy as np
import torch
from torch import nn

WINDOW = 6


def weather(days, rng):
    wet = rng.random(days) < 0.45
    rain = np.where(wet, rng.gamma(0.9, 9.0, days), 0.0).round(1)
    temp = 9 + 8 * np.sin(2 * np.pi * np.arange(days) / 365) + rng.normal(0, 2, days)
    return rain, temp


def catchment(rain, temp, rng):
    store, flow = 20.0, np.zeros(len(rain))
    for t in range(len(rain)):
        store += rain[t] - 0.12 * max(temp[t], 0)
        store = min(max(store, 1.0), 120.0)
        flow[t] = 0.0012 * store**2 + 0.1 * store
        store -= flow[t]
    return flow * np.exp(rng.normal(0, 0.05, len(rain)))


def log_rain(rain):
    with np.errstate(divide="ignore"):
        return np.log1p(rain)


def windows(rain, temp, flow):
    x, y = [], []
    wet = log_rain(rain)
    for t in range(WINDOW, len(rain)):
        x.append(np.r_[wet[t - WINDOW + 1 : t + 1], temp[t] / 10, flow[t - 1] / 5])
        y.append(flow[t] / 5)
    return torch.tensor(np.array(x), dtype=torch.float32), torch.tensor(y, dtype=torch.float32)


def main():
    torch.manual_seed(0)
    rng = np.random.default_rng(13)
    rain, temp = weather(1800, rng)
    x, y = windows(rain, temp, catchment(rain, temp, rng))
    cut = 1400
    model = nn.Sequential(nn.Linear(WINDOW + 2, 32), nn.ReLU(), nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 1))
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=1e-3)
    best, patience = float("inf"), 0
    for epoch in range(150):
        for idx in torch.randperm(cut).split(64):
            optimizer.zero_grad()
            loss = nn.functional.mse_loss(model(x[idx]).squeeze(-1), y[idx])
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 5.0)
            optimizer.step()
        with torch.no_grad():
            valid = nn.functional.mse_loss(model(x[cut:]).squeeze(-1), y[cut:]).item()
        if epoch % 5 == 0:
            print(f"epoch {epoch} loss {loss.item():.4f} valid {valid:.4f}")
        best, patience = (valid, 0) if valid < best else (best, patience + 1)
        if patience >= 30:
            print("stopped early")
            break

    with torch.no_grad():
        pred = model(x[cut:]).squeeze(-1)
    error = (pred - y[cut:]).numpy() * 5
    print("RMSE (mm/day):", np.sqrt((error**2).mean()))


if __name__ == "__main__":
    main()
