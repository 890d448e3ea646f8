"""Concentrations of three dyes in a mixture from its absorption spectrum."""

import jax
import jax.numpy as jnp
import optax
from flax import nnx

WAVELENGTHS = jnp.linspace(400.0, 700.0, 24)
CENTRES = jnp.array([455.0, 530.0, 610.0])
WIDTHS = jnp.array([35.0, 30.0, 45.0])
ABSORPTION = jnp.exp(-0.5 * ((WAVELENGTHS[None, :] - CENTRES[:, None]) / WIDTHS[:, None]) ** 2)


def mixtures(key, n):
    k1, k2 = jax.random.split(key)
    amounts = jax.random.uniform(k1, (n, 3), minval=0.1, maxval=1.0)
    spectra = amounts @ ABSORPTION + 0.1 * jax.random.normal(k2, (n, WAVELENGTHS.size))
    return spectra, amounts


model = nnx.Linear(WAVELENGTHS.size, 3, rngs=nnx.Rngs(0))
schedule = optax.cosine_decay_schedule(5e-2, 600)
optimizer = nnx.Optimizer(model, optax.MultiSteps(optax.adam(schedule), every_k_schedule=2), wrt=nnx.Param)


@nnx.jit
def step(model, optimizer, spectra, amounts):
    def loss_fn(model):
        return optax.squared_error(model(spectra), amounts).mean()

    loss, grads = nnx.value_and_grad(loss_fn)(model)
    optimizer.update(model, grads)
    return loss


spectra, amounts = mixtures(jax.random.key(1), 800)
spectra_test, amounts_test = mixtures(jax.random.key(2), 300)

key = jax.random.key(3)
for epoch in range(30):
    key, sub = jax.random.split(key)
    order = jax.random.permutation(sub, len(spectra)).reshape(40, 20)
    for rows in order:
        loss = step(model, optimizer, spectra[rows], amounts[rows])
    if epoch % 5 == 4:
        print(f"epoch {epoch + 1}, loss {loss:.5f}")

errors = jnp.mean((model(spectra_test) - amounts_test) ** 2, axis=0)
for name, r2 in zip(("yellow", "red", "blue"), 1.0 - errors / amounts_test.var(axis=0), strict=True):
    print(f"{name:7s} R2 {r2:.3f}")
