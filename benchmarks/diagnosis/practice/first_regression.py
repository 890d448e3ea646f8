import torch
import torch.nn as nn
import torch.optim as optim
from sklearn.datasets import make_friedman1
from sklearn.metrics import r2_score
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

torch.manual_seed(1)

X, y = make_friedman1(n_samples=1000, n_features=6, noise=0.5, random_state=1)
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.25, random_state=1)

sc_X = StandardScaler()
sc_y = StandardScaler()
X_train = torch.FloatTensor(sc_X.fit_transform(X_train))
X_test = torch.FloatTensor(sc_X.transform(X_test))
y_train = torch.FloatTensor(sc_y.fit_transform(y_train.reshape(-1, 1)))
y_test = torch.FloatTensor(sc_y.transform(y_test.reshape(-1, 1)))


class MyModel(nn.Module):
    def __init__(self):
        super(MyModel, self).__init__()
        self.hidden1 = nn.Linear(6, 32)
        self.hidden2 = nn.Linear(32, 16)
        self.output = nn.Linear(16, 1)

    def forward(self, x):
        x = torch.relu(self.hidden1(x))
        x = torch.relu(self.hidden2(x))
        x = self.output(x)
        return x


model = MyModel()
print(model)

loss_fn = nn.MSELoss()
optimizer = optim.SGD(model.parameters(), lr=0.05)

epochs = 600
for epoch in range(epochs):
    # forward pass
    y_pred = model(X_train)
    loss = loss_fn(y_pred, y_train)

    # backward pass
    loss.backward()

    # update weights
    optimizer.step()

    if epoch % 100 == 0:
        print("Epoch: ", epoch, " Loss: ", loss.item())

# test the model
model.eval()
with torch.no_grad():
    y_pred = model(X_test)
print("R2 score: ", r2_score(y_test.numpy(), y_pred.numpy()))
