"""The trajectory and its horizon: how far two runs can be followed, and that nothing is claimed behind it."""

from dataclasses import replace
from weakref import ref

import climbing
import numpy as np
import pytest
from climbing import broken_at, climb, subject, wrong

import parity
from parity.contract import MLP, Adam, Constant, InputError, RMSprop
from parity.ladder import calibrated
from parity.ladder.envelope import ulp
from parity.ladder.plan import members_at_once
from parity.ladder.trajectory import Noise, follow
from parity.start import draw

CALM = parity.recipe("polar", rows=60, epochs=20, batch_size=16, model=MLP((6, 5), "tanh"), optimizer=Adam(1e-2))
# Steps so large that replicas end up as far apart as strangers.
CHAOTIC = parity.recipe(
    "polar", rows=40, epochs=150, batch_size=16, model=MLP((8, 8), "tanh"), optimizer=RMSprop(0.3, decay=0.9),
    schedule=Constant(),
)  # fmt: skip


@pytest.fixture(scope="module")
def chaotic():
    """The oracle on the chaotic run, with its replicas."""
    made = subject(CHAOTIC, "numpy", "float32")
    assert made.path.horizon is not None
    return made


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_limits_never_fall(dtype):
    made = subject(CALM, "numpy", dtype)
    noise = Noise.of(made.path, made.history, dtype)
    assert (np.diff(noise.losses) >= 0).all()
    assert noise.losses[0] > 0
    for name, spread in noise.tensors.items():
        assert (np.diff(spread) >= 0).all(), name
        for c, step in enumerate(made.compared_at):
            largest = float(np.abs({**made.history.parameters, **made.history.buffers}[name][: c + 1]).max())
            assert noise.of_tensor(name, c) >= max(step, 1) * ulp(largest, dtype)


def test_a_calm_run_is_followed_to_its_end():
    pair = climb(subject(CALM, dtype="float32"), subject(CALM, "numpy", "float32"))
    assert pair.verdict == "equivalent", pair.summary
    rung = next(rung for rung in pair.rungs if rung.name == "trajectory")
    assert rung.covers == CALM.steps == pair.horizon.searched
    assert pair.horizon.step is None
    assert pair.horizon.steps[-1] == CALM.steps
    drawn = pair.horizon
    assert len(drawn.gap) == len(drawn.replicas) == len(drawn.seeds) == len(drawn.steps)
    assert max(drawn.replicas) < 1e-3 * min(drawn.seeds)


def test_the_horizon_is_where_the_middle_replica_is_half_as_far_as_other_seeds_are(chaotic):
    path = chaotic.path
    (c,) = (c for c, at in enumerate(path.checkpoints_at) if at == path.horizon)
    middle, seeds = np.median(path.whole, axis=0), np.median(path.seeds, axis=0)
    assert middle[c] > 0.5 * seeds[c]
    assert (middle[:c] <= 0.5 * seeds[:c]).all()
    assert 10 < path.horizon < CHAOTIC.steps


def test_nothing_is_compared_behind_the_horizon(chaotic):
    followed = follow(chaotic, subject(CHAOTIC, dtype="float32"))
    assert followed.end == chaotic.path.horizon - 1
    assert max(each.step for each in followed.distances) == followed.end
    # What is only seen behind it is no difference that could be told.
    late = climbing.behind_step(chaotic.path.horizon + 2, climbing.scaled("layers.0.kernel", 1.5))
    pair = climb(chaotic, wrong(CHAOTIC, late, "float32"))
    assert pair.verdict == "equivalent", pair.summary
    assert pair.horizon.step == chaotic.path.horizon
    rung = next(rung for rung in pair.rungs if rung.name == "trajectory")
    assert rung.covers == chaotic.path.horizon - 1
    assert f"the first {rung.covers} of {CHAOTIC.steps} steps" in rung.note
    # The same fault in front of it is one.
    early = climbing.behind_step(20, climbing.scaled("layers.0.kernel", 1.5))
    assert broken_at(climb(chaotic, wrong(CHAOTIC, early, "float32"))) == ["trajectory"]


def lose_a_replica(number, step):
    """A run of replicas of which one leaves the finite numbers."""

    def plant(trainer):
        fit_many = trainer.fit_many

        def losing(*stack, **watched):
            histories = list(fit_many(*stack, **watched))
            lost = histories[number + 1]
            at = np.array(watched["checkpoints_at"])
            lost.losses[step:] = np.nan
            for kept in lost.parameters.values():
                kept[at >= step + 1] = np.nan
            return histories

        trainer.fit_many = losing

    return plant


def test_a_replica_that_diverges_ends_the_comparison_and_is_named():
    reference = subject(CALM, "numpy", "float32")
    lose_a_replica(number=5, step=12)(reference.trainer)
    assert reference.path.finite_until <= 12
    late = climbing.behind_step(30, climbing.scaled("layers.0.kernel", 1.5))
    pair = climb(reference, wrong(CALM, late, "float32"))
    rung = next(rung for rung in pair.rungs if rung.name == "trajectory")
    assert rung.passed
    assert rung.covers == reference.path.finite_until
    assert "replicas 5 diverged" in rung.note
    assert "replicas 5 diverged" in pair.envelope.note
    early = climbing.behind_step(8, climbing.scaled("layers.0.kernel", 1.5))
    assert broken_at(climb(reference, wrong(CALM, early, "float32"))) == ["trajectory"]


def test_rounding_that_parts_two_runs_is_told_from_a_fault():
    """With a factor far too small the paths of two correct backends part, but no step's own output differs."""
    calibration = replace(calibrated(CALM.replicas, None), path_factor=1e-3)
    reference = subject(CALM, "torch", "float32", calibration=calibration)
    candidate = subject(CALM, "numpy", "float32", calibration=calibration)
    followed = follow(reference, candidate)
    assert followed.excess is not None
    pair = climb(reference, candidate)
    assert pair.verdict == "equivalent", pair.summary
    rung = next(rung for rung in pair.rungs if rung.name == "trajectory")
    assert rung.covers == followed.excess.step - 1
    told = f"rounding parts the two at step {followed.excess.step}: no step's own output differs"
    assert told in rung.note
    assert told in pair.envelope.note
    assert pair.parted is None


def test_a_contender_that_diverges_is_compared_as_far_as_it_is_finite():
    def overflow(state):
        return replace(state, parameters={n: np.full_like(a, np.nan) for n, a in state.parameters.items()})

    reference = subject(CALM, "numpy", "float32", plant=climbing.behind_step(30, overflow))
    pair = climb(reference, wrong(CALM, climbing.behind_step(30, overflow), "float32"))
    assert pair.verdict == "diverged", pair.summary
    assert "wrong:cpu:loop:float32 is no longer finite from step 3" in pair.summary
    rung = next(rung for rung in pair.rungs if rung.name == "trajectory")
    assert rung.passed
    assert 25 <= rung.covers <= 30


def test_a_path_in_stacks_is_that_of_one_stack_and_holds_one_of_them_at_a_time(monkeypatch):
    """Each run is trained once, and those of a stack are let go before the next is drawn."""
    whole = subject(CALM, "numpy", "float32").path
    made = subject(CALM, "numpy", "float32")
    drawn, sizes, fit_many = [], [], made.trainer.fit_many

    def counted(states, data, order, **watched):
        sizes.append(len(states))
        drawn.extend(map(ref, order))
        held = sum(each() is not None for each in drawn)
        assert held <= max(sizes) + 1, "all but the original's are let go"
        return fit_many(states, data, order, **watched)

    made.trainer.fit_many = counted
    monkeypatch.setattr("parity.ladder.path.members_at_once", lambda *given, **kept: 6)
    stacked = made.path
    assert sizes == [5, 5, 5, 5]
    assert sum(sizes) == 1 + CALM.replicas + 3
    for one, other in ((whole.losses, stacked.losses), (whole.whole, stacked.whole), (whole.seeds, stacked.seeds)):
        np.testing.assert_array_equal(one, other)
    for name, distances in whole.tensors.items():
        np.testing.assert_array_equal(distances, stacked.tensors[name])


def test_a_stack_is_smaller_the_more_its_runs_are_given():
    config = draw(CALM).config
    given = subject(CALM, "numpy", "float32").given
    few = members_at_once(given, config, 24, kept=4)
    assert few == members_at_once(given, config, 24, kept=0) - 4 > 100
    masks = {"dropouts.0": np.ones((given.order.steps, 16, 10**5), bool)}
    assert members_at_once(replace(given, order=replace(given.order, masks=masks)), config, 24, kept=4) < 16
    rows = np.zeros((given.order.steps, 10**6), np.int32)
    assert members_at_once(replace(given, order=replace(given.order, rows=rows)), config, 24, kept=4) == 1


def test_a_history_of_another_shape_is_refused_by_name():
    def one_short(history, watched):
        return replace(history, losses=history.losses[:-1])

    with pytest.raises(
        InputError, match=r"fit of wrong:cpu:loop:float64 gave losses of shape .* python -m parity.conform"
    ):
        climb(subject(CALM, "numpy"), wrong(CALM, climbing.in_fit(change_history=one_short)))
