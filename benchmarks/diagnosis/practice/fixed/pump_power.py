import jax
import jax.numpy as jnp
import numpy as np
import optax

# hydraulic power of a pump with flow dependent efficiency, SI units
rng = np.random.default_rng(13)
n = 1600
Q = rng.uniform(0.01, 0.12, n)
dp = rng.uniform(1.0e5, 9.0e5, n)
rpm = rng.uniform(900, 3000, n)
q0 = 0.09 * rpm / 3000
eff = 0.82 * np.exp(-(((Q - q0) / 0.06) ** 2))
y = np.log10(Q * dp / eff)[:, None]
y = (y - y.mean()) / y.std() + 0.02 * rng.standard_normal((n, 1))
X = np.stack([Q, dp, rpm], axis=1)
X = (X - X[:1200].mean(0)) / X[:1200].std(0)
X_train, X_test, y_train, y_test = X[:1200], X[1200:], y[:1200], y[1200:]


def init(key, sizes):
    keys = jax.random.split(key, len(sizes))
    return [(jax.random.normal(k, (m, n)) * np.sqrt(1.0 / m), jnp.zeros(n)) for k, m, n in zip(keys, sizes, sizes[1:])]


def predict(params, x):
    *hidden, (w, b) = params
    for wi, bi in hidden:
        x = jnp.tanh(x @ wi + bi)
    return x @ w + b


def loss_fn(params, x, y):
    return jnp.mean(jnp.square(predict(params, x) - y))


tx = optax.adam(4e-3)
params = init(jax.random.PRNGKey(0), [3, 48, 48, 1])
opt_state = tx.init(params)


@jax.jit
def update(params, opt_state, x, y):
    value, grads = jax.value_and_grad(loss_fn)(params, x, y)
    updates, opt_state = tx.update(grads, opt_state, params)
    params = optax.apply_updates(params, updates)
    return params, opt_state, value


xs, ys = jnp.asarray(X_train), jnp.asarray(y_train)
for epoch in range(60):
    order = rng.permutation(len(xs))
    for start in range(0, len(xs), 100):
        batch = order[start : start + 100]
        params, opt_state, value = update(params, opt_state, xs[batch], ys[batch])
    if epoch % 15 == 0:
        print("epoch", epoch, "loss", float(value))

p = np.asarray(predict(params, jnp.asarray(X_test)))
print("R2 test", 1 - np.sum((p - y_test) ** 2) / np.sum((y_test - y_test.mean()) ** 2))
