# Tip deflection of a tapered cantilever, network written by hand (no nn.Module)
import torch

torch.manual_seed(2)
dtype = torch.float64

N = 400
load = torch.rand(N, dtype=dtype) * 2 - 1  # transverse tip load, kN
length = 0.5 + torch.rand(N, dtype=dtype)  # m
height = 0.8 + 0.6 * torch.rand(N, dtype=dtype)  # relative section height
deflection = load * length**3 / height**3
deflection = deflection / deflection.std()

X = torch.stack([load * 1.7, (length - 1.0) * 3.4, (height - 1.1) * 5.7], dim=1)
Y = deflection[:, None]
X_train, Y_train, X_test, Y_test = X[:300], Y[:300], X[300:], Y[300:]

H = 20
w1 = (torch.randn(3, H, dtype=dtype) * 0.5).requires_grad_()
b1 = torch.zeros(H, dtype=dtype, requires_grad=True)
w2 = (torch.randn(H, 1, dtype=dtype) * 0.2).requires_grad_()
b2 = torch.zeros(1, dtype=dtype, requires_grad=True)
params = [w1, b1, w2, b2]


def forward(x):
    return torch.tanh(x @ w1 + b1) @ w2 + b2


lr = 0.1
for step in range(1500):
    prediction = forward(X_train)
    loss = ((prediction - Y_train) ** 2).mean()
    loss.backward()
    for p in params:
        p.data -= lr * p.grad
        p.grad = None
    if step % 250 == 0:
        print(step, loss.item())

with torch.no_grad():
    residual = Y_test - forward(X_test)
    print("R2:", 1 - (residual**2).sum().item() / ((Y_test - Y_test.mean()) ** 2).sum().item())
