import torch

torch.manual_seed(31)
wavelength = torch.linspace(400, 700, 31)
centres = torch.tensor([450.0, 520.0, 560.0, 640.0])
widths = torch.tensor([30.0, 40.0, 25.0, 45.0])
epsilon = torch.exp(-(((wavelength - centres[:, None]) / widths[:, None]) ** 2))


def spectra(n):
    conc = torch.rand(n, 4)
    absorbance = conc @ epsilon + 0.01 * torch.randn(n, 31)
    return absorbance, conc


A_train, C_train = spectra(500)
A_test, C_test = spectra(200)

model = torch.nn.Sequential(torch.nn.Linear(31, 8), torch.nn.Linear(8, 4))
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
schedule = torch.optim.lr_scheduler.MultiStepLR(optimizer, milestones=[800, 1400], gamma=0.3)
for it in range(2000):
    optimizer.zero_grad()
    loss = (model(A_train) - C_train).pow(2).mean()
    loss.backward()
    optimizer.step()
    schedule.step()
    if it % 400 == 0:
        print(f"iteration {it}: {loss.item():.6f}")

with torch.no_grad():
    error = (model(A_test) - C_test).pow(2).mean(0)
for name, r in zip(["dye A", "dye B", "dye C", "dye D"], 1 - error / C_test.var(0), strict=True):
    print(f"{name}: R2 {r.item():.4f}")
