"""The PyTorch reference: eager, fused where PyTorch has a fused form. Its twin is `jax_impl`, file by file."""
