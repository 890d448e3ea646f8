"""The JAX backend: Flax NNX and Optax, a whole run in one compiled loop. Its twin is `torch_impl`, file by file."""
