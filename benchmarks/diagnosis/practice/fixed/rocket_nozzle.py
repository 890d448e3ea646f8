import numpy as np
import torch
from sklearn.metrics import r2_score
from sklearn.model_selection import train_test_split
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def thrust_coefficient(rng, n):
    chamber = rng.uniform(1e6, 2e7, n)  # Pa
    ambient = rng.uniform(0, 1.013e5, n)  # Pa
    exit_pressure = rng.uniform(1e4, 1.5e5, n)  # Pa
    gamma = rng.uniform(1.12, 1.33, n)
    g = (2 * gamma**2 / (gamma - 1)) * (2 / (gamma + 1)) ** ((gamma + 1) / (gamma - 1))
    ideal = np.sqrt(g * (1 - (exit_pressure / chamber) ** ((gamma - 1) / gamma)))
    area = 1 / np.sqrt(exit_pressure / chamber)
    cf = ideal + (exit_pressure - ambient) / chamber * area
    return np.column_stack([chamber, ambient, exit_pressure, gamma]), cf + rng.normal(0, 0.005, n)


def main():
    rng = np.random.default_rng(2)
    torch.manual_seed(2)
    raw, cf = thrust_coefficient(rng, 1200)
    raw_train, raw_test, y_train, y_test = train_test_split(raw, cf, test_size=0.25, random_state=2)
    y_mean, y_std = y_train.mean(), y_train.std()
    x_mean, x_std = raw_train.mean(axis=0), raw_train.std(axis=0)
    x_train = torch.tensor((raw_train - x_mean) / x_std, dtype=torch.float32)
    x_test = torch.tensor((raw_test - x_mean) / x_std, dtype=torch.float32)
    y_train = torch.tensor((y_train - y_mean) / y_std, dtype=torch.float32).reshape(-1, 1)

    loader = DataLoader(TensorDataset(x_train, y_train), batch_size=90, shuffle=True)
    net = nn.Sequential(nn.Linear(4, 50), nn.Tanh(), nn.Linear(50, 50), nn.Tanh(), nn.Linear(50, 1))
    loss_fn = nn.MSELoss()
    epochs = 120
    optimizer = torch.optim.Adam(net.parameters(), lr=5e-3)
    scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=1e-2, total_steps=epochs * len(loader))

    for epoch in range(epochs):
        for xb, yb in loader:
            optimizer.zero_grad()
            loss = loss_fn(net(xb), yb)
            loss.backward()
            optimizer.step()
            scheduler.step()
        if epoch % 20 == 0:
            print(f"epoch {epoch:3d} | loss {loss.item():.4f} | lr {scheduler.get_last_lr()[0]:.5f}")

    net.eval()
    with torch.no_grad():
        pred = net(x_test).numpy()[:, 0] * y_std + y_mean
    print(f"R2 = {r2_score(y_test, pred):.3f}")


if __name__ == "__main__":
    main()
