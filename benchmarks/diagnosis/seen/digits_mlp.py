import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch.utils.data import DataLoader, TensorDataset


class DigitNet(nn.Module):
    def __init__(self, p_drop=0.3):
        super().__init__()
        self.fc1 = nn.Linear(64, 96)
        self.bn1 = nn.BatchNorm1d(96)
        self.fc2 = nn.Linear(96, 48)
        self.drop = nn.Dropout(p_drop)
        self.fc3 = nn.Linear(48, 10)

    def forward(self, x):
        x = self.drop(F.relu(self.bn1(self.fc1(x))))
        x = self.drop(F.relu(self.fc2(x)))
        return F.log_softmax(self.fc3(x), dim=1)


class Trainer:
    def __init__(self, model, lr):
        self.model = model
        self.optimizer = torch.optim.Adam(model.parameters(), lr=lr)
        self.history = []

    def train_epoch(self, loader):
        self.model.train()
        for x, t in loader:
            self.optimizer.zero_grad()
            loss = F.nll_loss(self.model(x), t)
            loss.backward()
            self.optimizer.step()
            self.history.append(loss.item())

    @torch.no_grad()
    def accuracy(self, loader):
        self.model.eval()
        hits = sum((self.model(x).argmax(1) == t).sum().item() for x, t in loader)
        return hits / len(loader.dataset)


def main():
    torch.manual_seed(0)
    images, labels = load_digits(return_X_y=True)
    parts = train_test_split(images / 16.0, labels, test_size=0.25, random_state=0, stratify=labels)
    x_train, x_test = (torch.tensor(a, dtype=torch.float32) for a in parts[:2])
    t_train, t_test = (torch.tensor(a, dtype=torch.long) for a in parts[2:])
    train_loader = DataLoader(TensorDataset(x_train, t_train), batch_size=50, shuffle=True)
    test_loader = DataLoader(TensorDataset(x_test, t_test), batch_size=256)

    trainer = Trainer(DigitNet(), lr=2e-3)
    for epoch in range(1, 31):
        trainer.train_epoch(train_loader)
        if epoch % 10 == 0:
            print(f"epoch {epoch}: loss {trainer.history[-1]:.4f} test accuracy {trainer.accuracy(test_loader):.3f}")
    print(f"final accuracy {trainer.accuracy(test_loader):.4f}")


if __name__ == "__main__":
    main()
