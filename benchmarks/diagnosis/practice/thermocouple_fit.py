import numpy as np
import torch

# calibration of a bridge: response is affine in the three channel voltages
rng = np.random.RandomState(2)
torch.manual_seed(2)

n = 400
U = rng.uniform(-1.5, 1.5, (n, 3))
coef = np.array([1.7, -0.6, 0.25])
f = U @ coef + 0.4 + 0.9 * rng.standard_normal(n)

x = torch.tensor(U)
y = torch.tensor(f)
W1 = (0.5 * torch.randn(3, 4, dtype=torch.float64)).requires_grad_()
W2 = (0.5 * torch.randn(4, 1, dtype=torch.float64)).requires_grad_()
b = torch.zeros(1, dtype=torch.float64, requires_grad=True)
par = [W1, W2, b]
eta = 0.02


def F(x):
    return (x @ W1 @ W2 + b)[:, 0]


for it in range(1500):
    S = ((F(x[:300]) - y[:300]) ** 2).mean()
    grads = torch.autograd.grad(S, par)
    with torch.no_grad():
        for w, gw in zip(par, grads):
            w -= eta * gw
    if it % 300 == 0:
        print("%4d chi2 = %.4f" % (it, S.item()))

r = (F(x[300:]) - y[300:]).detach().numpy()
v = f[300:]
print("coefficients:", (W1 @ W2).detach().numpy().ravel())
print("R2 = %.3f" % (1 - np.sum(r**2) / np.sum((v - v.mean()) ** 2)))
