import csv
import os
import tempfile

import numpy as np
import torch
from torch import nn


def write_station_file(path, n=1500):
    rng = np.random.default_rng(30)
    with open(path, "w", newline="") as fh:
        out = csv.writer(fh)
        out.writerow(["temp", "wind", "nox", "radiation", "ozone"])
        for _ in range(n):
            temp, wind = rng.normal(18, 7), rng.gamma(3, 1.2)
            nox, rad = rng.lognormal(3, 0.5), rng.uniform(0, 900)
            ozone = 35 + 0.05 * max(temp - 10, 0) ** 2 + 0.05 * rad - 14 * np.log(nox / 20) + 6 * np.tanh(wind - 3)
            ozone += rng.normal(0, 3)
            row = [f"{v:.2f}" for v in (temp, wind, nox, rad, ozone)]
            if rng.random() < 0.02:
                row[rng.integers(0, 4)] = ""
            out.writerow(row)


def load(path):
    with open(path) as fh:
        rows = [[float(v or "nan") for v in r.values()] for r in csv.DictReader(fh)]
    return np.array(rows)


class OzoneNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(
            nn.Linear(4, 64),
            nn.ReLU(),
            nn.Dropout(0.5),
            nn.Linear(64, 64),
            nn.ReLU(),
            nn.Dropout(0.5),
            nn.Linear(64, 1),
        )

    def forward(self, x):
        return self.net(x).squeeze(-1)


torch.manual_seed(30)
with tempfile.TemporaryDirectory() as folder:
    file = os.path.join(folder, "station.csv")
    write_station_file(file)
    table = load(file)

table = (table - np.nanmean(table, axis=0)) / np.nanstd(table, axis=0)
table = torch.tensor(table, dtype=torch.float32)
train, test = table[:1200], table[1200:]

model = OzoneNet()
opt = torch.optim.Adam(model.parameters(), lr=2e-3)
for epoch in range(50):
    for chunk in train[torch.randperm(len(train))].split(60):
        loss = nn.functional.mse_loss(model(chunk[:, :4]), chunk[:, 4])
        opt.zero_grad()
        loss.backward()
        opt.step()
    if epoch % 10 == 0:
        print(f"epoch {epoch}: {loss.item():.4f}")

pred = model(test[:, :4]).detach()
sse = ((test[:, 4] - pred) ** 2).sum()
print("R2:", (1 - sse / ((test[:, 4] - test[:, 4].mean()) ** 2).sum()).item())
