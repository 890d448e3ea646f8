"""Forward kinematics of a planar three-joint arm: two outputs, plain JAX."""

import jax
import jax.numpy as jnp
import numpy as np
import optax


def tip(q):
    a = jnp.cumsum(q, axis=1)
    lengths = jnp.array([0.5, 0.4, 0.3])
    return jnp.stack([(lengths * jnp.cos(a)).sum(1), (lengths * jnp.sin(a)).sum(1)], axis=1)


def init(key, sizes):
    keys = jax.random.split(key, len(sizes) - 1)
    init_fn = jax.nn.initializers.glorot_uniform()
    return [(init_fn(k, (m, n)), jnp.zeros(n)) for k, m, n in zip(keys, sizes[:-1], sizes[1:], strict=True)]


def apply(params, q):
    h = q
    for w, b in params[:-1]:
        h = jax.nn.swish(h @ w + b)
    w, b = params[-1]
    return h @ w + b


@jax.jit
def mean_square(params, q, p):
    return jnp.mean(jnp.sum((apply(params, q) - p) ** 2, axis=1))


def make_update(tx):
    @jax.jit
    def update(params, state, q, p):
        value, grads = jax.value_and_grad(mean_square)(params, q, p)
        updates, state = tx.update(grads, state, params)
        return optax.apply_updates(params, updates), state, value

    return update


def main():
    data_key, init_key, loop_key = jax.random.split(jax.random.key(32), 3)
    joints = jax.random.uniform(data_key, (2400, 3), minval=-1.5, maxval=1.5)
    position = tip(joints)
    q_train, p_train, q_test, p_test = joints[:2000], position[:2000], joints[2000:], position[2000:]

    params = init(init_key, [3, 64, 64, 2])
    tx = optax.adam(optax.warmup_cosine_decay_schedule(0.0, 1e-2, 100, 1600))
    state = tx.init(params)
    update = make_update(tx)
    for epoch in range(40):
        loop_key, sub = jax.random.split(loop_key)
        for rows in np.asarray(jax.random.permutation(sub, 2000)).reshape(-1, 50):
            params, state, value = update(params, state, q_train[rows], p_train[rows])
        if epoch % 10 == 0:
            print(f"epoch {epoch} loss {value:.5f} test {mean_square(params, q_test, p_test):.5f}")

    r2 = 1 - jnp.mean((apply(params, q_test) - p_test) ** 2, axis=0) / p_test.var(axis=0)
    print(f"R2 x {r2[0]:.4f}  R2 y {r2[1]:.4f}")


if __name__ == "__main__":
    main()
