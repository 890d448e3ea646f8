import numpy as np
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, Dataset

rng = np.random.default_rng(7)
torch.manual_seed(7)
FS = 1024


def record(faulty):
    """One second of housing acceleration; a chipped tooth gives an impact once a revolution."""
    t = np.arange(FS) / FS
    rpm = rng.uniform(18, 26)
    sig = 0.6 * np.sin(2 * np.pi * 9 * rpm * t + rng.uniform(0, 6.28)) + rng.normal(0, 0.5, FS)
    if faulty:
        phase = (t * rpm + rng.uniform()) % 1.0
        sig += rng.uniform(1.3, 2.6) * np.exp(-phase * 14) * np.sin(2 * np.pi * 330 * t)
    return sig


def features(sig):
    spectrum = np.abs(np.fft.rfft(sig)) / FS
    bands = np.log(np.add.reduceat(spectrum, np.arange(0, 512, 32))[:16])
    return np.append(bands, [np.log(sig.std()), ((sig / sig.std()) ** 4).mean()])


class Recordings(Dataset):
    def __init__(self, x, labels):
        self.x = torch.tensor(x, dtype=torch.float32)
        self.labels = torch.tensor(labels, dtype=torch.float32).unsqueeze(1)

    def __len__(self):
        return len(self.x)

    def __getitem__(self, i):
        return self.x[i], self.labels[i]


labels = rng.integers(0, 2, 900)
table = np.array([features(record(k)) for k in labels])
table = (table - table[:700].mean(0)) / table[:700].std(0)
train_dl = DataLoader(Recordings(table[:700], labels[:700]), batch_size=35, shuffle=True)
test_ds = Recordings(table[700:], labels[700:])

model = nn.Sequential(nn.Linear(18, 16), nn.ReLU(), nn.Linear(16, 1))
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)

for epoch in range(25):
    model.train()
    running = 0.0
    for xb, yb in train_dl:
        optimizer.zero_grad()
        logits = model(xb)
        loss = criterion(logits, yb)
        loss.backward()
        optimizer.step()
        running += loss.item()
    if epoch % 5 == 4:
        print(f"epoch {epoch + 1}: loss {running / len(train_dl):.4f}")

model.eval()
with torch.no_grad():
    hit = (model(test_ds.x) > 0).float() == test_ds.labels
print(f"test accuracy {hit.float().mean().item():.3f}")
