"""Production elasticities of firms from capital, labour, energy and materials (log-log)."""

import argparse

import torch
from torch import nn


def firms(count, generator):
    logs = torch.randn(count, 4, generator=generator)
    logs[:, 1] = 0.6 * logs[:, 0] + 0.8 * logs[:, 1]
    elasticities = torch.tensor([0.31, 0.42, 0.08, 0.17])
    output = 0.9 + logs @ elasticities + 0.15 * torch.randn(count, generator=generator)
    return logs, output


class Technology(nn.Module):
    def __init__(self):
        super().__init__()
        self.log_linear = nn.Linear(4, 1)

    def forward(self, logs):
        return self.log_linear(logs).squeeze(-1)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--steps", type=int, default=900)
    parser.add_argument("--micro", type=int, default=4, help="micro-batches per update")
    parser.add_argument("--rate", type=float, default=0.02)
    options = parser.parse_args()

    generator = torch.Generator().manual_seed(55)
    torch.manual_seed(55)
    logs, output = firms(1200, generator)
    model = Technology()
    optimizer = torch.optim.SGD(model.parameters(), lr=options.rate)

    for step in range(1, options.steps + 1):
        picked = torch.randint(0, 1200, (options.micro, 32), generator=generator)
        total = 0.0
        for rows in picked:
            loss = nn.functional.mse_loss(model(logs[rows]), output[rows]) / options.micro
            loss.backward()
            total += loss.item()
        optimizer.step()
        optimizer.zero_grad()
        if step % 150 == 0:
            print(f"step {step} loss {total:.4f}")

    with torch.no_grad():
        fitted = model(logs)
        share = 1 - ((fitted - output) ** 2).sum() / ((output - output.mean()) ** 2).sum()
    weights = ", ".join(f"{w:.3f}" for w in model.log_linear.weight[0].tolist())
    print(f"elasticities {weights}; constant {model.log_linear.bias.item():.3f}; R2 {share.item():.3f}")
