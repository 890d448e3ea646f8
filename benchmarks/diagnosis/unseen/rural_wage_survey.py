import csv
import tempfile
from pathlib import Path

import numpy as np
import torch
from sklearn.compose import make_column_transformer
from sklearn.metrics import r2_score
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from torch import nn

SECTORS = ["farming", "transport", "care", "retail", "mining"]
REGIONS = ["north", "coast", "hills"]
PREMIUM = {"farming": -0.15, "transport": 0.05, "care": 0.0, "retail": -0.1, "mining": 0.35}


def write_survey(path, n=2400):
    rng = np.random.default_rng(77)
    with open(path, "w", newline="") as f:
        out = csv.writer(f)
        out.writerow(["schooling", "experience", "hours", "sector", "region", "log_wage"])
        for _ in range(n):
            school, exper, hours = rng.integers(7, 20), rng.uniform(0, 40), rng.normal(38, 6)
            sector, region = rng.choice(SECTORS), rng.choice(REGIONS)
            log_wage = 1.3 + 0.07 * school + 0.045 * exper - 0.0008 * exper**2 + PREMIUM[sector]
            log_wage += 0.12 * (region == "coast") * (sector == "transport") + rng.normal(0, 0.33)
            out.writerow([school, f"{exper:.2f}", f"{hours:.1f}", sector, region, f"{log_wage:.4f}"])


def read_survey(path):
    with open(path, newline="") as f:
        rows = list(csv.reader(f))[1:]
    table = np.array([[*map(float, r[:3]), *r[3:5]] for r in rows], dtype=object)
    return table, np.array([float(r[5]) for r in rows])


with tempfile.TemporaryDirectory() as folder:
    file = Path(folder) / "survey.csv"
    write_survey(file)
    table, log_wage = read_survey(file)

columns = make_column_transformer((StandardScaler(), [0, 1, 2]), (OneHotEncoder(), [3, 4]), sparse_threshold=0)
x_train = torch.tensor(columns.fit_transform(table[:1800]).astype("float32"))
x_test = torch.tensor(columns.transform(table[1800:]).astype("float32"))
y_train = torch.tensor(log_wage[:1800], dtype=torch.float32)
centre = y_train.mean()

torch.manual_seed(77)
model = nn.Sequential(nn.Linear(x_train.shape[1], 32), nn.ReLU(), nn.Dropout(0.1), nn.Linear(32, 1))
optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=1e-2)
scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=15, gamma=0.3)
for epoch in range(40):
    model.train()
    for rows in torch.randperm(len(x_train)).split(60):
        optimizer.zero_grad()
        loss = nn.functional.huber_loss(model(x_train[rows]).squeeze(1), y_train[rows] - centre)
        loss.backward()
        optimizer.step()
    scheduler.step()
    if epoch % 8 == 0:
        print(f"epoch {epoch} huber {loss.item():.4f}")

model.eval()
with torch.no_grad():
    pred = model(x_test).squeeze(1) + centre
print(f"log wage R2 {r2_score(log_wage[1800:], pred.numpy()):.3f}")
