import functools

import jax
import jax.numpy as jnp
import optax
from flax import nnx

EPOCHS, BATCH, N_TRAIN = 60, 100, 1000


def catalogue(key, n):
    k1, k2, k3, k4 = jax.random.split(key, 4)
    log_mass = jax.random.uniform(k1, (n,), minval=-0.5, maxval=1.2)
    metals = 0.3 * jax.random.normal(k2, (n,))
    age = jax.random.uniform(k3, (n,))
    slope = jnp.where(log_mass < 0.3, 4.0, 3.5)
    log_lum = slope * log_mass + 0.15 * jnp.where(log_mass < 0.3, 0.0, 1.0) - 0.4 * metals + 0.6 * age**2
    log_lum = log_lum + 0.8 * jax.random.normal(k4, (n,))
    return jnp.stack([(log_mass - 0.35) / 0.5, metals / 0.3, (age - 0.5) / 0.29], axis=1), log_lum / 2


model = nnx.Sequential(
    nnx.Linear(3, 32, rngs=nnx.Rngs(1)), nnx.relu, nnx.Linear(32, 32, rngs=nnx.Rngs(2)), nnx.relu,
    nnx.Linear(32, 1, rngs=nnx.Rngs(3)),
)  # fmt: skip
graphdef, params = nnx.split(model)
tx = optax.adam(optax.exponential_decay(3e-3, 200, 0.7))


def loss_fn(params, x, y):
    pred = nnx.merge(graphdef, params)(x)[:, 0]
    return jnp.mean((pred - y) ** 2)


@functools.partial(jax.jit, donate_argnums=(0, 1))
def run_epoch(params, opt_state, batches):
    def body(carry, batch):
        params, opt_state = carry
        loss, grads = jax.value_and_grad(loss_fn)(params, *batch)
        updates, opt_state = tx.update(grads, opt_state, params)
        return (optax.apply_updates(params, updates), opt_state), loss

    (params, opt_state), losses = jax.lax.scan(body, (params, opt_state), batches)
    return params, opt_state, losses.mean()


key = jax.random.key(31)
x, y = catalogue(key, 1400)
x_train, y_train, x_test, y_test = x[:N_TRAIN], y[:N_TRAIN], x[N_TRAIN:], y[N_TRAIN:]
opt_state = tx.init(params)
for epoch in range(EPOCHS):
    key, sub = jax.random.split(key)
    order = jax.random.permutation(sub, N_TRAIN).reshape(-1, BATCH)
    params, opt_state, mean_loss = run_epoch(params, opt_state, (x_train[order], y_train[order]))
    if epoch % 12 == 0:
        print(
            f"epoch {epoch:2d} train mse {float(mean_loss):.4f} test mse {float(loss_fn(params, x_test, y_test)):.4f}"
        )

r2 = 1 - loss_fn(params, x_test, y_test) / jnp.var(y_test)
print(f"test R2 {float(r2):.3f}")
