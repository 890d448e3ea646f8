# Predict flat prices with a neural network
import numpy as np
import torch
import torch.nn as nn
from sklearn.metrics import r2_score
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
from torch.utils.data import DataLoader, TensorDataset

np.random.seed(42)
torch.manual_seed(42)

# 1. Load the data
n = 1500
area = np.random.uniform(25, 160, n)
rooms = np.clip(np.round(area / 28 + np.random.randn(n) * 0.6), 1, 6)
dist = np.random.exponential(4.0, n)
year = np.random.randint(1900, 2023, n)
price = 2600 * area * np.exp(-dist / 9) + 8000 * rooms + 350 * (year - 1900) + 9000 * np.random.randn(n)
X = np.column_stack([area, rooms, dist, year])
y = price.reshape(-1, 1)

# 2. Split
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.2, random_state=42)

# 3. Preprocess
scaler = StandardScaler()
X_train = scaler.fit_transform(X_train)
X_test = scaler.transform(X_test)

X_train_t = torch.tensor(X_train, dtype=torch.float32)
X_test_t = torch.tensor(X_test, dtype=torch.float32)
y_scaler = StandardScaler()
y_train_t = torch.tensor(y_scaler.fit_transform(y_train), dtype=torch.float32)

train_loader = DataLoader(TensorDataset(X_train_t, y_train_t), batch_size=64, shuffle=True)


# 4. Define the model
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(4, 64)
        self.fc2 = nn.Linear(64, 32)
        self.fc3 = nn.Linear(32, 1)
        self.relu = nn.ReLU()

    def forward(self, x):
        x = self.relu(self.fc1(x))
        x = self.relu(self.fc2(x))
        return self.fc3(x)


model = Net()
criterion = nn.MSELoss()
optimizer = torch.optim.Adam(model.parameters(), lr=0.001)

# 5. Train the model
num_epochs = 50
for epoch in range(num_epochs):
    model.train()
    running_loss = 0.0
    for inputs, targets in train_loader:
        optimizer.zero_grad()
        outputs = model(inputs)
        loss = criterion(outputs, targets)
        loss.backward()
        optimizer.step()
        running_loss += loss.item()
    if (epoch + 1) % 10 == 0:
        print(f"Epoch [{epoch + 1}/{num_epochs}], Loss: {running_loss / len(train_loader):.4f}")

# 6. Evaluate
model.eval()
with torch.no_grad():
    y_pred = y_scaler.inverse_transform(model(X_test_t).numpy())
print("R2:", r2_score(y_test, y_pred))
