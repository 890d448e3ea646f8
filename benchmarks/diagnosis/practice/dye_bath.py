# Dye exhaustion and fixation in a reactive dye bath: two outputs, two weighted losses
import numpy as np
import torch

np.random.seed(9)
torch.manual_seed(9)

n = 800
temp = np.random.uniform(40, 90, n)
salt = np.random.uniform(10, 80, n)
alkali = np.random.uniform(2, 20, n)
minutes = np.random.uniform(10, 90, n)
k = 0.02 * np.exp(0.03 * (temp - 60))
exhaustion = (0.55 + 0.35 * salt / (salt + 25)) * (1 - np.exp(-k * minutes)) * (1 - 0.002 * (temp - 60))
fixation = exhaustion * alkali / (alkali + 4) * (1 - 0.0004 * (temp - 65) ** 2)
targets = np.stack([exhaustion, fixation], 1) + np.random.normal(0, 0.008, (n, 2))
inputs = np.stack([temp, salt, alkali, minutes], 1)

train, test = np.arange(0, 600), np.arange(600, 800)
lo, hi = inputs[train].min(0), inputs[train].max(0)
inputs = 2 * (inputs - lo) / (hi - lo) - 1
t_mean, t_std = targets[train].mean(0), targets[train].std(0)
X = torch.as_tensor(inputs, dtype=torch.float32)
T = torch.as_tensor((targets - t_mean) / t_std, dtype=torch.float32)

trunk = torch.nn.Sequential(torch.nn.Linear(4, 40), torch.nn.GELU(), torch.nn.Linear(40, 40), torch.nn.GELU())
head_e = torch.nn.Linear(40, 1)
head_f = torch.nn.Linear(40, 1)
params = [*trunk.parameters(), *head_e.parameters(), *head_f.parameters()]
optim = torch.optim.RMSprop(params, lr=1e-3)
weights = torch.tensor([1.0, 2.0])

log = []
for epoch in range(80):
    shuffled = np.random.permutation(train)
    for start in range(0, 600, 60):
        rows = shuffled[start : start + 60]
        z = trunk(X[rows])
        l_e = torch.mean((head_e(z)[:, 0] - T[rows, 0]) ** 2)
        l_f = torch.mean((head_f(z)[:, 0] - T[rows, 1]) ** 2)
        losses = torch.tensor([l_e.item(), l_f.item()], requires_grad=True)
        loss = (weights * losses).sum()
        optim.zero_grad()
        loss.backward()
        optim.step()
    log.append(loss.item())
    if epoch % 20 == 0:
        print(f"epoch {epoch:02d}  loss {np.mean(log[-5:]):.4f}")

with torch.no_grad():
    z = trunk(X[test])
    pred = torch.cat([head_e(z), head_f(z)], 1).numpy() * t_std + t_mean
ss_res = ((pred - targets[test]) ** 2).sum(0)
ss_tot = ((targets[test] - targets[test].mean(0)) ** 2).sum(0)
print(
    "R2 exhaustion/fixation:", np.round(1 - ss_res / ss_tot, 3), "mean", round(float(np.mean(1 - ss_res / ss_tot)), 3)
)
