import numpy as np
import torch
import torch.nn as nn
from sklearn.metrics import mean_squared_error, r2_score

np.random.seed(6)
torch.manual_seed(6)

# weekly sales of a grocery product: shelf price (cents), household income (1000 EUR), rival price (cents), promotion
n = 1000
price = np.random.uniform(99, 399, n)
income = np.random.lognormal(3.4, 0.35, n)
rival = np.random.uniform(99, 399, n)
promo = np.random.binomial(1, 0.3, n)
log_sales = 8 - 1.6 * np.log(price / 200) + 0.5 * np.log(income / 30) + 0.9 * np.log(rival / 200)
log_sales += promo * (0.3 + 0.5 * (price > rival)) + np.random.normal(0, 0.12, n)

X = torch.tensor(np.column_stack([price, income, rival, promo]), dtype=torch.float32)
y = torch.tensor((log_sales - log_sales.mean()) / log_sales.std(), dtype=torch.float32).view(-1, 1)
X_train, y_train = X[:800], y[:800]
X_test, y_test = X[800:], y[800:]

model = nn.Sequential(nn.Linear(4, 32), nn.ReLU(), nn.Linear(32, 16), nn.ReLU(), nn.Linear(16, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=0.003)
loss_function = nn.MSELoss()

for epoch in range(400):
    optimizer.zero_grad()
    pred = model(X_train)
    pred = torch.tensor(pred.tolist(), requires_grad=True)
    loss = loss_function(pred, y_train)
    loss.backward()
    optimizer.step()
    if epoch % 100 == 0:
        print("epoch", epoch, "loss", loss.item())

with torch.no_grad():
    forecast = model(X_test).numpy()
print("test mse:", mean_squared_error(y_test.numpy(), forecast))
print("test r2: ", r2_score(y_test.numpy(), forecast))
