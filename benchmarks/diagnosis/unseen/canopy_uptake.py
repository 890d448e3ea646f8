import torch
from sklearn.metrics import r2_score
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
from torch import nn


def leaf_measurements(n):
    light = torch.rand(n) * 1800
    co2 = 250 + 450 * torch.rand(n)
    temp = 8 + 30 * torch.rand(n)
    phi, theta = 0.055, 0.8
    amax = 28 * torch.exp(-((temp - 25) ** 2) / 180) * co2 / (co2 + 220)
    b = phi * light + amax
    gross = (b - torch.sqrt(b**2 - 4 * theta * phi * light * amax)) / (2 * theta)
    uptake = gross - 0.8 * 2 ** ((temp - 20) / 10) + 0.25 * torch.randn(n)
    return torch.stack([light, co2, temp], 1).numpy(), uptake.view(-1, 1).numpy()


def start_values(layer):
    if isinstance(layer, nn.Linear):
        nn.init.normal_(layer.weight, std=0.15)
        nn.init.constant_(layer.bias, -1.5)


torch.manual_seed(17)
features, uptake = leaf_measurements(1100)
x_train, x_test, y_train, y_test = train_test_split(features, uptake, test_size=0.25, random_state=17)
x_scaler, y_scaler = StandardScaler().fit(x_train), StandardScaler().fit(y_train)
x_train, x_test = (torch.from_numpy(x_scaler.transform(a)).float() for a in (x_train, x_test))
y_train = torch.from_numpy(y_scaler.transform(y_train)).float()

model = nn.Sequential(nn.Linear(3, 40), nn.ReLU(), nn.Linear(40, 40), nn.ReLU(), nn.Linear(40, 1))
model.apply(start_values)
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
criterion = nn.MSELoss()

step = 0
while step < 1500:
    batch = torch.randint(len(x_train), (64,))
    loss = criterion(model(x_train[batch]), y_train[batch])
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), 5.0)
    optimizer.step()
    if step % 250 == 0:
        print(f"step {step:4d}  mse {loss.item():.4f}")
    step += 1

with torch.inference_mode():
    pred = y_scaler.inverse_transform(model(x_test).numpy())
print(f"net uptake: R2 = {r2_score(y_test, pred):.3f}")
