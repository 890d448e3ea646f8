import argparse

import torch
import torch.nn.functional as F


def wind_chill(temp, wind):
    return 13.12 + 0.6215 * temp - 11.37 * wind**0.16 + 0.3965 * temp * wind**0.16


def sunshine(cloud, elevation):
    return 9.0 * (1 - 0.8 * cloud) * torch.sin(torch.deg2rad(elevation)).clamp(min=0)


parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float, default=0.05)
parser.add_argument("--warmup", type=int, default=5)
parser.add_argument("--epochs", type=int, default=120)
parser.add_argument("--batch", type=int, default=100)
args = parser.parse_args()

torch.manual_seed(21)
temp = torch.empty(2500).uniform_(-25, 12)
wind = torch.empty(2500).uniform_(4, 60)
cloud = torch.rand(2500)
elevation = torch.empty(2500).uniform_(-10, 55)
felt = wind_chill(temp, wind) + sunshine(cloud, elevation) + 0.3 * torch.randn(2500)

features = torch.stack([temp / 20, wind / 30, cloud, elevation / 30], dim=1)
target = (felt - felt[:2000].mean()) / felt[:2000].std()
x_train, y_train = features[:2000], target[:2000, None]
x_test, y_test = features[2000:], target[2000:, None]

net = torch.nn.Sequential(
    torch.nn.Linear(4, 40),
    torch.nn.Tanh(),
    torch.nn.Linear(40, 40),
    torch.nn.Tanh(),
    torch.nn.Linear(40, 1),
)
opt = torch.optim.SGD(net.parameters(), lr=args.lr, momentum=0.9)
warmup = torch.optim.lr_scheduler.LambdaLR(opt, lambda epoch: min(1.0, (epoch + 1) / args.warmup))

for epoch in range(args.epochs):
    for idx in torch.randperm(2000).split(args.batch):
        loss = F.mse_loss(net(x_train[idx]), y_train[idx])
        opt.zero_grad()
        loss.backward()
        opt.step()
    warmup.step()
    if epoch % 20 == 0:
        print(f"epoch {epoch} loss {loss.item():.5f}")

with torch.no_grad():
    pred = net(x_test)
    residual = ((pred - y_test) ** 2).sum()
    total = ((y_test - y_test.mean()) ** 2).sum()
print("R2", (1 - residual / total).item())
