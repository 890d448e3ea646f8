import jax
import jax.numpy as jnp
import numpy as np

# CES production function with firm noise
rng = np.random.default_rng(16)
n = 800
labour, capital, energy = rng.uniform(0.5, 2.0, (3, n))
output = (0.5 * labour**-0.8 + 0.35 * capital**-0.8 + 0.15 * energy**-0.8) ** (-1 / 0.8)
output = output * np.exp(rng.normal(0, 0.06, n))

x = jnp.asarray(np.stack([labour, capital, energy], 1))
y = jnp.asarray(output)
x_train, y_train, x_test, y_test = x[:600], y[:600], x[600:], y[600:]


def mlp(params, x):
    (w1, b1), (w2, b2) = params
    return jnp.squeeze(jax.nn.softplus(x @ w1 + b1) @ w2 + b2, -1)


def objective(params):
    return jnp.mean((mlp(params, x_train) - y_train) ** 2)


@jax.jit
def descend(params, velocity, rate):
    value, grads = jax.value_and_grad(objective)(params)
    velocity = jax.tree.map(lambda v, g: 0.9 * v - rate * g, velocity, grads)
    return jax.tree.map(jnp.add, params, velocity), velocity, value


k1, k2 = jax.random.split(jax.random.key(16))
params = [
    (0.6 * jax.random.normal(k1, (3, 24)), jnp.zeros(24)),
    (0.2 * jax.random.normal(k2, (24, 1)), jnp.zeros(1)),
]
velocity = jax.tree.map(jnp.zeros_like, params)
rate = 0.02
for it in range(3000):
    if it in (1500, 2400):
        rate *= 0.5
    params, velocity, value = descend(params, velocity, rate)
    if it % 500 == 0:
        print(f"{it:5d} {value:.5f}")

print("R2", float(1 - jnp.mean((mlp(params, x_test) - y_test) ** 2) / jnp.var(y_test)))
