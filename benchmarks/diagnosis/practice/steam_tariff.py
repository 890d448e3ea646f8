import torch

torch.set_default_dtype(torch.float64)
torch.manual_seed(40)

n, features = 260, 6
mix = torch.randn(features, features) * 0.4 + torch.eye(features)
usage = torch.randn(n, features) @ mix + 0.5
prices = torch.tensor([[1.5, 0.2], [-0.7, 1.1], [0.0, 0.6], [2.2, -0.4], [0.4, 0.0], [-1.0, 0.9]])
bill = usage @ prices + torch.tensor([3.0, -1.0]) + 1.1 * torch.randn(n, 2)

layer = torch.nn.Linear(features, 2)
lbfgs = torch.optim.LBFGS(layer.parameters(), lr=1.0, max_iter=10, line_search_fn="strong_wolfe")


def closure():
    lbfgs.zero_grad()
    loss = (layer(usage) - bill).pow(2).mean()
    loss.backward()
    return loss


for it in range(6):
    value = lbfgs.step(closure)
    print(f"iteration {it}: {value.item():.6f}")

with torch.no_grad():
    err = (layer(usage) - bill).pow(2).sum(0)
    print("R2 per bill:", [round(v, 3) for v in (1 - err / (bill - bill.mean(0)).pow(2).sum(0)).tolist()])
    print("weights:", layer.weight.round(decimals=2).tolist())
