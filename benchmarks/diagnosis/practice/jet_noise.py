"""Sound level of a jet from Mach number, angle and temperature ratio, NNX with a scanned epoch."""

import jax
import jax.numpy as jnp
import optax
from flax import nnx

k_in, k_noise, k_perm = jax.random.split(jax.random.key(4), 3)
z = jax.random.uniform(k_in, (1600, 3), minval=-1.0, maxval=1.0)
mach, angle, ratio = 0.7 + 0.3 * z[:, 0], 1.4 + 0.9 * z[:, 1], 2.0 + 0.9 * z[:, 2]
level = 80 * jnp.log10(mach) - 50 * jnp.log10(1 - 0.6 * mach * jnp.cos(angle)) - 10 * jnp.log10(ratio) + 120
level = level + 0.5 * jax.random.normal(k_noise, (1600,))
centre, spread = level[:1280].mean(), level[:1280].std()
t = (level - centre) / spread

net = nnx.Sequential(
    nnx.Linear(3, 32, rngs=nnx.Rngs(1)),
    nnx.silu,
    nnx.Linear(32, 32, rngs=nnx.Rngs(2)),
    nnx.silu,
    nnx.Linear(32, 1, rngs=nnx.Rngs(3)),
)
graphdef, params = nnx.split(net, nnx.Param)
tx = optax.chain(optax.clip_by_global_norm(1.0), optax.adam(optax.cosine_decay_schedule(8e-3, 1600)))


def loss_fn(params, x, y):
    return jnp.mean((nnx.merge(graphdef, params)(x)[:, 0] - y) ** 2)


@jax.jit
def run_epoch(params, opt_state, key):
    def body(carry, rows):
        params, opt_state = carry
        loss, grads = jax.value_and_grad(loss_fn)(params, z[rows], t[rows])
        updates, opt_state = tx.update(grads, opt_state, params)
        return (optax.apply_updates(params, updates), opt_state), loss

    rows = jax.random.permutation(key, 1280).reshape(20, 64)
    (params, opt_state), losses = jax.lax.scan(body, (params, opt_state), rows)
    return params, opt_state, losses.mean()


opt_state = tx.init(params)
for epoch, key in enumerate(jax.random.split(k_perm, 80)):
    params, opt_state, loss = run_epoch(params, opt_state, key)
    if epoch % 20 == 0:
        print(epoch, float(loss))

print("R2", float(1 - loss_fn(params, z[1280:], t[1280:]) / jnp.var(t[1280:])))
