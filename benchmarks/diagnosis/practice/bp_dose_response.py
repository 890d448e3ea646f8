import jax
import jax.numpy as jnp
import optax
from flax import nnx

# Fall in blood pressure (mmHg/10) after a dose


def cohort(key, n):
    ka, kb, kc, kd, ke = jax.random.split(key, 5)
    dose = jax.random.uniform(ka, (n, 1), maxval=4.0)
    age = jax.random.normal(kb, (n, 1))
    renal = jax.random.uniform(kc, (n, 1), minval=0.2, maxval=1.2)
    salt = jax.random.bernoulli(kd, 0.4, (n, 1)).astype(jnp.float32)
    ed50 = 0.9 * renal * jnp.exp(0.2 * age)
    fall = 2.2 * dose**1.6 / (dose**1.6 + ed50**1.6) * (1 - 0.35 * salt)
    x = jnp.concatenate([dose, age, renal, salt], axis=1)
    return x, fall + 0.1 * jax.random.normal(ke, (n, 1))


key = jax.random.key(40)
x, y = cohort(jax.random.fold_in(key, 0), 1000)
x_new, y_new = cohort(jax.random.fold_in(key, 1), 400)

net = nnx.Sequential(
    nnx.Linear(4, 32, rngs=nnx.Rngs(1)),
    nnx.tanh,
    nnx.Linear(32, 32, rngs=nnx.Rngs(2)),
    nnx.tanh,
    nnx.Linear(32, 1, rngs=nnx.Rngs(3)),
)
graphdef, params = nnx.split(net)
tx = optax.chain(optax.clip_by_global_norm(5.0), optax.sgd(0.05, momentum=0.9))
opt_state = tx.init(params)


def loss_fn(params, xb, yb):
    return jnp.mean((nnx.merge(graphdef, params)(xb) - yb) ** 2)


@jax.jit
def one_epoch(params, opt_state, key):
    order = jax.random.permutation(key, 1000).reshape(10, 100)

    def body(carry, rows):
        params, opt_state = carry
        loss, grads = jax.value_and_grad(loss_fn)(params, x[rows], y[rows])
        updates, opt_state = tx.update(grads, opt_state, params)
        return (optax.apply_updates(params, updates), opt_state), loss

    (params, opt_state), losses = jax.lax.scan(body, (params, opt_state), order)
    return params, opt_state, losses.mean()


for epoch in range(120):
    params, opt_state, loss = one_epoch(params, opt_state, jax.random.fold_in(key, 100 + epoch))
    if epoch % 30 == 29:
        print(f"epoch {epoch + 1}: mse {loss:.4f}")

mse = loss_fn(params, x_new, y_new)
print(f"new patients: mse {mse:.4f}  R2 {1 - mse / y_new.var():.4f}")
