"""Parity beside the libraries that people train small networks with, and beside bare loops.

fastai is left out: it installs torchvision, and with it a PyTorch other than the one that is compared.
"""
