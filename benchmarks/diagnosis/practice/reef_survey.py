"""Fish biomass at reef survey stations (kg/ha, log scale)."""

import csv
import os
import tempfile

import numpy as np
import torch
from sklearn.metrics import r2_score
from torch import nn

EXPOSURE = {"sheltered": 0.0, "moderate": 0.5, "exposed": 1.0}
PROTECTION = {"none": 0.0, "partial": 0.5, "no-take": 1.0}


def write_survey(path, n=1500):
    rng = np.random.default_rng(8)
    with open(path, "w", newline="") as f:
        out = csv.writer(f)
        out.writerow(["station", "depth_m", "rugosity", "exposure", "protection", "log_biomass"])
        for i in range(n):
            depth, rug = rng.uniform(2, 30), rng.uniform(1, 2.6)
            expo, prot = rng.choice(list(EXPOSURE)), rng.choice(list(PROTECTION))
            level = 1.2 * np.log(rug * 2) + 2.2 * PROTECTION[prot] * (0.5 + rug / 2.6) - 0.6 * EXPOSURE[expo]
            level += 0.8 * np.sin(depth / 6) + rng.normal(0, 0.2)
            out.writerow([i, f"{depth:.1f}", f"{rug:.2f}", expo.capitalize(), prot.title(), f"{level:.3f}"])


def read_survey(path):
    rows, target = [], []
    with open(path, newline="") as f:
        for rec in csv.DictReader(f):
            exposure = EXPOSURE[rec["exposure"].strip().lower()]
            protection = PROTECTION.get(rec["protection"].strip(), 0.0)
            rows.append([float(rec["depth_m"]) / 10, float(rec["rugosity"]), exposure, protection])
            target.append(float(rec["log_biomass"]))
    return torch.tensor(rows), torch.tensor(target).unsqueeze(1)


class BiomassNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden1 = nn.Linear(4, 32)
        self.hidden2 = nn.Linear(32, 32)
        self.output = nn.Linear(32, 1)

    def forward(self, x):
        x = torch.relu(self.hidden1(x))
        x = torch.relu(self.hidden2(x))
        return self.output(x)


torch.manual_seed(0)
with tempfile.TemporaryDirectory() as folder:
    file = os.path.join(folder, "survey.csv")
    write_survey(file)
    X, y = read_survey(file)

X_train, y_train, X_test, y_test = X[:1200], y[:1200], X[1200:], y[1200:]
model = BiomassNet()
optimizer = torch.optim.Adam(model.parameters(), lr=0.005)
for epoch in range(400):
    optimizer.zero_grad()
    loss = nn.functional.mse_loss(model(X_train), y_train)
    loss.backward()
    optimizer.step()
    if epoch % 100 == 0:
        print(f"epoch {epoch}: {loss.item():.4f}")

model.eval()
with torch.no_grad():
    print("R2 on held-out stations:", round(r2_score(y_test.numpy(), model(X_test).numpy()), 3))
