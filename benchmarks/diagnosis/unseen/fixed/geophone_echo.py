import numpy as np
import torch
from torch import nn

WINDOW = 12


def record(length, seed):
    rng = np.random.default_rng(seed)
    t = np.arange(length)
    carrier = np.sin(0.31 * t) + 0.6 * np.sin(0.83 * t + 0.4)
    envelope = 0.6 + 0.4 * np.sin(0.011 * t)
    return carrier * envelope + 0.03 * rng.standard_normal(length)


def windows(trace):
    x = np.lib.stride_tricks.sliding_window_view(trace, WINDOW)[:-4]
    y = trace[WINDOW + 3 :]
    return torch.tensor(x.copy(), dtype=torch.float32), torch.tensor(y.copy(), dtype=torch.float32).view(-1, 1)


class Trainer:
    def __init__(self, net, rate):
        self.net = net
        self.criterion = nn.MSELoss()
        self.optimizer = torch.optim.Adam(net.parameters(), lr=rate)

    def step(self, x, y):
        loss = self.criterion(self.net(x), y)
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        return loss.item()

    def fit(self, x, y, epochs, batch):
        self.net.train()
        for epoch in range(epochs):
            order = torch.randperm(len(x))
            losses = [self.step(x[idx], y[idx]) for idx in order.split(batch)]
            if epoch % 10 == 9:
                print(f"epoch {epoch + 1}: {np.mean(losses):.5f}")

    @torch.no_grad()
    def r2(self, x, y):
        self.net.eval()
        return (1 - (self.net(x) - y).pow(2).sum() / (y - y.mean()).pow(2).sum()).item()


torch.manual_seed(3)
trace = record(1500, seed=3)
x_train, y_train = windows(trace[:1200])
x_test, y_test = windows(trace[1200:])
predictor = nn.Sequential(nn.Linear(WINDOW, 32), nn.Tanh(), nn.Linear(32, 1))
trainer = Trainer(predictor, rate=0.01)
trainer.fit(x_train, y_train, epochs=40, batch=40)
print(f"four-step-ahead R2: {trainer.r2(x_test, y_test):.3f}")
