"""Sort coins of three nested signal classes from eddy-current readings, with early stopping."""

import copy

import torch
from sklearn.datasets import make_gaussian_quantiles
from sklearn.model_selection import train_test_split
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def block(n_in, n_out, p):
    return nn.Sequential(nn.Linear(n_in, n_out), nn.BatchNorm1d(n_out), nn.ReLU(), nn.Dropout(p))


class Sorter(nn.Module):
    def __init__(self, n_in=3, n_classes=3, width=64):
        super().__init__()
        self.features = nn.Sequential(block(n_in, width, 0.05), block(width, width, 0.05))
        self.logits = nn.Linear(width, n_classes)

    def forward(self, x):
        return self.logits(self.features(x))


class EarlyStopping:
    def __init__(self, patience):
        self.patience, self.best, self.wait, self.state = patience, float("inf"), 0, None

    def update(self, value, model):
        if value < self.best:
            self.best, self.wait, self.state = value, 0, copy.deepcopy(model.state_dict())
        else:
            self.wait += 1
        return self.wait >= self.patience


def check(model, x, y):
    model.eval()
    with torch.no_grad():
        logits = model(x)
        return nn.functional.cross_entropy(logits, y).item(), (logits.argmax(1) == y).float().mean().item()


def main():
    torch.manual_seed(13)
    x, y = make_gaussian_quantiles(n_samples=4000, n_features=3, n_classes=3, random_state=13)
    x_rest, x_test, y_rest, y_test = train_test_split(x, y, test_size=600, stratify=y, random_state=1)
    x_tr, x_va, y_tr, y_va = train_test_split(x_rest, y_rest, test_size=400, stratify=y_rest, random_state=2)
    x_tr, x_va, x_test = (torch.tensor(v, dtype=torch.float32) for v in (x_tr, x_va, x_test))
    y_tr, y_va, y_test = (torch.tensor(v, dtype=torch.long) for v in (y_tr, y_va, y_test))

    model = Sorter()
    opt = torch.optim.AdamW(model.parameters(), lr=2e-2, weight_decay=1e-3)
    plateau = torch.optim.lr_scheduler.ReduceLROnPlateau(opt, factor=0.5, patience=2)
    stopper = EarlyStopping(patience=20)
    loader = DataLoader(TensorDataset(x_tr, y_tr), batch_size=100, shuffle=True)
    for epoch in range(45):
        model.train()
        for xb, yb in loader:
            opt.zero_grad()
            nn.functional.cross_entropy(model(xb), yb).backward()
            opt.step()
        val_loss, val_acc = check(model, x_va, y_va)
        plateau.step(val_loss)
        if epoch % 10 == 0:
            print(f"epoch {epoch:2d} val loss {val_loss:.3f} acc {val_acc:.3f}")
        if stopper.update(val_loss, model):
            print(f"stopped at epoch {epoch}")
            break
    model.load_state_dict(stopper.state)
    print(f"test accuracy {check(model, x_test, y_test)[1]:.3f}")


if __name__ == "__main__":
    main()
