# Weekly tomato harvest per square metre from greenhouse climate
import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset


class Weeks(Dataset):
    def __init__(self, climate, harvest):
        self.climate = torch.tensor(climate, dtype=torch.float32)
        self.harvest = torch.tensor(harvest, dtype=torch.float32)

    def __len__(self):
        return len(self.climate)

    def __getitem__(self, i):
        return self.climate[i], self.harvest[i]


def simulate(n, rng):
    light = rng.uniform(4, 26, n)  # mol/m2/day
    co2 = rng.uniform(380, 1100, n)
    day = rng.uniform(16, 30, n)
    night = rng.uniform(12, 22, n)
    ec = rng.uniform(2, 6, n)
    photo = light / (light + 12) * co2 / (co2 + 350)
    warm = np.exp(-(((day - 23.5) / 6) ** 2)) * np.exp(-(((night - 17) / 6) ** 2))
    kg = 5.5 * photo * warm * (1 - 0.05 * np.maximum(ec - 3, 0)) + rng.normal(0, 0.04, n)
    return np.stack([light, co2, day, night, ec], 1), np.maximum(kg, 0)


rng = np.random.default_rng(7)
torch.manual_seed(7)
climate, harvest = simulate(1300, rng)
climate = (climate - climate.mean(axis=0)) / climate.std(axis=0)
train_x, test_x = climate[:1000], climate[1000:]
train_y, test_y = harvest[:1000], harvest[1000:]
centre, spread = train_y.mean(), train_y.std()
train_y, test_y = (train_y - centre) / spread, (test_y - centre) / spread
order = rng.permutation(1000)
train_x, train_y = train_x[order], train_y[order]

model = nn.Sequential(
    nn.Linear(5, 48),
    nn.Mish(),
    nn.Linear(48, 48),
    nn.Mish(),
    nn.Linear(48, 1),
)
opt = torch.optim.NAdam(model.parameters(), lr=3e-3)
plateau = torch.optim.lr_scheduler.ReduceLROnPlateau(opt, factor=0.5, patience=5)
loader = DataLoader(Weeks(train_x, train_y), batch_size=100, shuffle=True)
for epoch in range(40):
    epoch_loss = 0.0
    for c, h in loader:
        out = model(c).view(-1)
        loss = nn.functional.mse_loss(out, h)
        opt.zero_grad()
        loss.backward()
        opt.step()
        epoch_loss += loss.item() / len(loader)
    plateau.step(epoch_loss)
    if epoch % 8 == 7:
        print(f"epoch {epoch + 1:2d} mse {epoch_loss:.4f} lr {opt.param_groups[0]['lr']:.1e}")

with torch.no_grad():
    guess = model(torch.tensor(test_x, dtype=torch.float32)).view(-1).numpy()
corr = np.corrcoef(guess, test_y)[0, 1]
print(f"R2 {1 - np.sum((guess - test_y) ** 2) / np.sum((test_y - test_y.mean()) ** 2):.3f}, correlation {corr:.3f}")
