"""Which gas is it? Three classes from the responses of six correlated sensors."""

import torch
from sklearn.discriminant_analysis import QuadraticDiscriminantAnalysis
from torch import nn


def responses(n, gen):
    label = torch.randint(0, 3, (n,), generator=gen)
    centre = torch.tensor([[0.9, 0, 0.4, 0, -0.5, 0], [-0.6, 0.8, 0, 0.3, 0, 0.2], [0, -0.7, 0.5, -0.6, 0.4, 0]])
    spread = torch.tensor([0.7, 0.9, 1.1])[label].unsqueeze(1)
    return centre[label] + spread * torch.randn(n, 6, generator=gen), label


gen = torch.Generator().manual_seed(2)
torch.manual_seed(2)
x, c = responses(3000, gen)
x_new, c_new = responses(1500, gen)

net = nn.Sequential(nn.Linear(6, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Dropout(0.1), nn.Linear(32, 3))
opt = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9, weight_decay=1e-4)
plan = torch.optim.lr_scheduler.OneCycleLR(opt, max_lr=0.1, total_steps=30 * 30)
for epoch in range(30):
    net.train()
    for rows in torch.randperm(3000, generator=gen).split(100):
        opt.zero_grad()
        loss = nn.functional.cross_entropy(net(x[rows]), c[rows])
        loss.backward()
        opt.step()
        plan.step()
    if epoch % 5 == 4:
        net.eval()
        with torch.no_grad():
            hit = (net(x_new).argmax(1) == c_new).float().mean().item()
        print(f"epoch {epoch + 1} cross entropy {loss.item():.3f} accuracy {hit:.3f}")

reference = QuadraticDiscriminantAnalysis().fit(x.numpy(), c.numpy())
print("accuracy", round(hit, 3), "discriminant analysis", round(reference.score(x_new.numpy(), c_new.numpy()), 3))
