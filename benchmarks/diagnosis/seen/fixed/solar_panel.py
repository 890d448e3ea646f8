from itertools import pairwise

import numpy as np
import torch
from sklearn.preprocessing import StandardScaler
from torch import nn


def panel_power(irradiance, ambient, wind, tilt):
    cell = ambient + irradiance / 800 * (45 - 20) * 9.5 / (5.7 + 3.8 * wind)
    effective = irradiance * np.cos(np.radians(tilt - 35))
    return effective * 1.6 * 0.2 * (1 - 0.004 * (cell - 25))


class MLP(nn.Module):
    def __init__(self, sizes, activation=nn.ReLU):
        super().__init__()
        layers = []
        for n_in, n_out in pairwise(sizes):
            layers.append(nn.Linear(n_in, n_out))
            layers.append(activation())
        self.layers = nn.Sequential(*layers[:-1])

    def forward(self, x):
        return self.layers(x)


def main(seed=2, epochs=80):
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    n = 1000
    x = np.column_stack(
        [rng.uniform(50, 1000, n), rng.uniform(-5, 35, n), rng.uniform(0.2, 8, n), rng.uniform(0, 70, n)]
    )
    y = panel_power(*x.T) + rng.normal(0, 5, n)

    sx, sy = StandardScaler(), StandardScaler()
    x_train = torch.tensor(sx.fit_transform(x[:800]), dtype=torch.float32)
    x_test = torch.tensor(sx.transform(x[800:]), dtype=torch.float32)
    y_train = torch.tensor(sy.fit_transform(y[:800, None]), dtype=torch.float32)
    y_test = torch.tensor(sy.transform(y[800:, None]), dtype=torch.float32)

    net = MLP([4, 32, 32, 1])
    opt = torch.optim.Adam(net.parameters(), lr=5e-3)
    sched = torch.optim.lr_scheduler.StepLR(opt, step_size=30, gamma=0.5)
    for epoch in range(epochs):
        net.train()
        for idx in torch.randperm(len(x_train)).split(40):
            opt.zero_grad()
            loss = nn.functional.huber_loss(net(x_train[idx]), y_train[idx])
            loss.backward()
            opt.step()
        sched.step()
        if epoch % 20 == 0:
            print(epoch, loss.item())

    net.eval()
    with torch.no_grad():
        ss_res = ((net(x_test) - y_test) ** 2).sum()
        ss_tot = ((y_test - y_test.mean()) ** 2).sum()
    print("R2:", (1 - ss_res / ss_tot).item())


if __name__ == "__main__":
    main()
