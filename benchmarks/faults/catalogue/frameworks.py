"""Faults that JAX, Flax or Optax bring: their own defaults and definitions, taken for the contract's."""

import jax
import jax.numpy as jnp
import optax

from benchmarks.faults.catalogue.layers import REGULARIZED
from benchmarks.faults.copies import Twin, around
from benchmarks.faults.experiments import across
from benchmarks.faults.fault import fault
from parity.contract import Adagrad, Adam, NAdam, RMSprop


def with_direction(twin: Twin, kind: type, direction) -> None:
    """An optimizer whose direction is Optax's own, with our learning rate."""
    twin.optimizers.OPTIMIZERS[kind] = lambda config: optax.chain(direction(config), twin.optimizers.scale_by_rate())


def counting(twin: Twin) -> None:
    """Optax counts its steps itself: let its count be taken over with the state."""

    def native(original, self, state):
        taken = original(self, state)
        counted = optax.tree.set(taken.optimizer, count=jnp.asarray(state.step, jnp.int32))
        return taken._replace(optimizer=counted)

    around(twin.trainer.Trainer, "_native_state", native)


@fault(
    "step",
    ("optimizer.bias_correction", "precision.lower"),
    across(optimizer=Adam(3e-2, b2=0.9999)),
    twin="jax",
    dtype="float32",
    place="optimizers",
)
def optax_adam_in_float32(twin: Twin) -> None:
    """optax.scale_by_adam computes its bias corrections in float32, 1e-5 off."""
    counting(twin)
    with_direction(twin, Adam, lambda c: optax.scale_by_adam(c.b1, c.b2, c.eps))


@fault("step", "optimizer.eps_place", across(optimizer=RMSprop(3e-3, eps=1e-6)), twin="jax", place="optimizers")
def optax_rmsprop(twin: Twin) -> None:
    """optax.scale_by_rms adds eps under the root unless it is told otherwise."""
    with_direction(twin, RMSprop, lambda c: optax.scale_by_rms(c.decay, c.eps, initial_scale=0.0))


@fault("step", "optimizer.eps_place", across(optimizer=Adagrad(0.05, eps=1e-6)), twin="jax", place="optimizers")
def optax_adagrad(twin: Twin) -> None:
    """optax.scale_by_rss adds eps under the root."""
    with_direction(twin, Adagrad, lambda c: optax.scale_by_rss(initial_accumulator_value=0.0, eps=c.eps))


@fault(
    "step",
    ("optimizer.momentum_decay", "optimizer.kind"),
    across(optimizer=NAdam(2e-3)),
    twin="jax",
    place="optimizers",
)
def optax_nadam(twin: Twin) -> None:
    """optax.nadam has a constant mu, without the factor of 1 - 0.96^t / 2."""
    counting(twin)
    with_direction(twin, NAdam, lambda c: optax.scale_by_adam(c.b1, c.b2, c.eps, nesterov=True))


@fault("step", "clip.norm", across(clip_norm=0.1), twin="jax", place="optimizers")
def optax_clipping(twin: Twin) -> None:
    """optax.clip_by_global_norm scales by c / norm, where PyTorch adds 1e-6 to the norm."""

    def clip(gradients, largest):
        return optax.clip_by_global_norm(largest).update(gradients, optax.EmptyState())[0]

    twin.program.clip_by_global_norm = clip


@fault("step", "norm.variance", REGULARIZED, twin="jax", place="buffers")
def running_variance_of_nnx(twin: Twin) -> None:
    """nnx.BatchNorm keeps the biased variance."""

    def call(self, x):
        if self.use_running_average:
            mean, var = self.mean[...], self.var[...]
        else:
            mean, var = x.mean(axis=0), x.var(axis=0)
            self.mean[...] += self.momentum * (mean - self.mean[...])
            self.var[...] += self.momentum * (var - self.var[...])
        return (x - mean) / jnp.sqrt(var + self.epsilon) * self.scale[...] + self.bias[...]

    twin.model.BatchNorm.__call__ = call


@fault("predict", "activation.kind", across(activation="gelu"), twin="jax", place="activations")
def gelu_of_jax(twin: Twin) -> None:
    """jax.nn.gelu is the tanh form unless it is told otherwise."""
    twin.model.ACTIVATIONS["gelu"] = jax.nn.gelu
