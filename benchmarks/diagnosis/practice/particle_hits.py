import torch
from sklearn.datasets import make_moons
from sklearn.model_selection import train_test_split
from torch import nn

torch.manual_seed(0)
points, kind = make_moons(n_samples=1000, noise=0.2, random_state=0)
p_train, p_test, k_train, k_test = train_test_split(points, kind, test_size=0.3, random_state=0)
p_train, p_test = (torch.tensor(p, dtype=torch.float32) for p in (p_train, p_test))
k_train, k_test = (torch.tensor(k, dtype=torch.float32).unsqueeze(1) for k in (k_train, k_test))

detector = nn.Sequential(nn.Linear(2, 32), nn.ReLU(), nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 1))
criterion = nn.BCEWithLogitsLoss()
optimizer = torch.optim.RMSprop(detector.parameters(), lr=2e-3)

history = {"loss": [], "accuracy": []}
for epoch in range(400):
    optimizer.zero_grad()
    logits = detector(p_train)
    loss = criterion(logits, k_train)
    loss.backward()
    optimizer.step()

    history["loss"].append(loss.item())
    history["accuracy"].append(((logits > 0).float() == k_train).float().mean().item())
    if epoch % 80 == 0:
        print(f"epoch {epoch:3d}: loss {history['loss'][-1]:.4f}, accuracy {history['accuracy'][-1]:.3f}")

with torch.no_grad():
    hits = (detector(p_test) > 0).float()
print(f"test accuracy: {(hits == k_test).float().mean().item():.3f}")
