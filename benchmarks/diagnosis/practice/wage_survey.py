"""Log wages from a survey: schooling, tenure, region and sector."""

import copy
import csv
import math
import os
import random
import tempfile

import torch
from torch import nn

REGIONS = ["north", "east", "south", "west"]
SECTORS = ["public", "industry", "services"]
REGION_PAY = {"north": 0.0, "east": -0.15, "south": 0.1, "west": 0.2}
SECTOR_PAY = {"public": 0.0, "industry": 0.25, "services": -0.2}


def write_survey(path, n):
    random.seed(77)
    with open(path, "w", newline="") as f:
        writer = csv.writer(f)
        writer.writerow(["schooling", "tenure", "region", "sector", "wage"])
        for _ in range(n):
            schooling, tenure = random.randint(8, 20), random.uniform(0, 30)
            region, sector = random.choice(REGIONS), random.choice(SECTORS)
            log_wage = 1.2 + 0.08 * schooling + 0.012 * tenure + REGION_PAY[region] + SECTOR_PAY[sector]
            writer.writerow([schooling, round(tenure, 1), region, sector, math.exp(log_wage + random.gauss(0, 0.32))])


def read_survey(path):
    rows, wages = [], []
    with open(path, newline="") as f:
        for r in csv.DictReader(f):
            numbers = [(float(r["schooling"]) - 14) / 4, (float(r["tenure"]) - 15) / 9]
            dummies = [float(r["region"] == k) for k in REGIONS[1:]] + [float(r["sector"] == k) for k in SECTORS[1:]]
            rows.append(numbers + dummies)
            wages.append([math.log(float(r["wage"]))])
    return torch.tensor(rows), torch.tensor(wages)


torch.manual_seed(77)
with tempfile.TemporaryDirectory() as folder:
    path = os.path.join(folder, "survey.csv")
    write_survey(path, 1500)
    x, y = read_survey(path)

(x_fit, x_stop, x_test), (y_fit, y_stop, y_test) = x.split([1000, 200, 300]), y.split([1000, 200, 300])
model = nn.Linear(x.shape[1], 1)
optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3, weight_decay=1e-3)
best, best_state, patience = float("inf"), None, 0
for epoch in range(300):
    for rows in torch.randperm(len(x_fit)).split(50):
        optimizer.zero_grad()
        nn.functional.mse_loss(model(x_fit[rows]), y_fit[rows]).backward()
        optimizer.step()
    with torch.no_grad():
        stop_loss = nn.functional.mse_loss(model(x_stop), y_stop).item()
    if epoch % 20 == 0:
        print(f"epoch {epoch}: {stop_loss:.4f}")
    if stop_loss < best - 1e-5:
        best, best_state, patience = stop_loss, copy.deepcopy(model.state_dict()), 0
    else:
        patience += 1
        if patience == 20:
            print("stopped at epoch", epoch)
            break

model.load_state_dict(best_state)
with torch.no_grad():
    error = nn.functional.mse_loss(model(x_test), y_test)
print(f"test R2 {1 - (error / y_test.var(unbiased=False)).item():.3f}")
