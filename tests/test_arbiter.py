"""The arbiter: float64 says which side is off, where it can, and the record says so."""

import json

import climbing
import numpy as np
import pytest
from climbing import broken_at, by, climb, subject, wrong

import parity
import torch_impl.program
from parity.contract import MLP, Adam, InputError

EXPERIMENT = parity.recipe(
    "polar", rows=60, epochs=10, batch_size=16, model=MLP((6, 5), "tanh"), optimizer=Adam(learning_rate=1e-2)
)
KERNEL = "layers.1.kernel"


def in_gradient(at):
    return climbing.in_gradient(at, lambda gradients: climbing.times(gradients, KERNEL, 1.01))


@pytest.mark.parametrize("at", [1, 3, 20])
@pytest.mark.parametrize("guilty", ["reference", "candidate"])
def test_a_third_backend_names_the_one_that_is_off(guilty, at):
    pair_of = [subject(EXPERIMENT), wrong(EXPERIMENT, in_gradient(at))]
    if guilty == "reference":
        pair_of.reverse()
    pair = climb(*pair_of, subject(EXPERIMENT, "numpy"))
    assert pair.parted.culprit == "wrong:cpu:loop:float64", pair.summary
    assert "torch:cpu:eager:float64 agrees with numpy:cpu:loop:float64" in pair.parted.text
    assert f"step {at}, gradient, {KERNEL}" in pair.parted.text
    assert f"(step {at}, gradient, {KERNEL})" in pair.summary


def test_without_a_third_backend_nobody_is_accused_in_float64():
    pair = climb(subject(EXPERIMENT), wrong(EXPERIMENT, in_gradient(1)))
    assert pair.parted.culprit == ""
    assert "nothing tells which is off" in pair.parted.text
    # A cause takes one of the two to be right, which says nothing of who is.
    assert pair.causes


@pytest.mark.parametrize("guilty", ["reference", "candidate"])
def test_a_cause_is_that_of_the_side_that_does_not_as_declared(guilty):
    """The gradient of one side is a hundredth larger or that of the other smaller: both would explain all of it."""
    pair_of = [subject(EXPERIMENT), wrong(EXPERIMENT, in_gradient(1))]
    if guilty == "reference":
        pair_of.reverse()
    pair = climb(*pair_of)
    assert {cause.side for cause in pair.causes} == {getattr(pair, guilty)}
    assert pair.parted.culprit == ""


def test_voices_that_contradict_each_other_accuse_nobody():
    voices = subject(EXPERIMENT, "numpy"), wrong(EXPERIMENT, in_gradient(1), name="mistaken")
    pair = climb(subject(EXPERIMENT), wrong(EXPERIMENT, in_gradient(1)), *voices)
    assert pair.parted.culprit == ""


@pytest.mark.parametrize("at", [1, 3, 20])
@pytest.mark.parametrize("guilty", ["reference", "candidate"])
def test_a_fault_in_float32_alone_is_seen_from_float64(guilty, at):
    """Both backends' own float64 runs are right, and agree with the one that is right in float32 as well."""
    by_two = {"dtype": "float32", "calibration": by(2.0, replicas=16)}
    pair_of = [subject(EXPERIMENT, **by_two), wrong(EXPERIMENT, in_gradient(at), **by_two)]
    if guilty == "reference":
        pair_of.reverse()
    voices = subject(EXPERIMENT), subject(EXPERIMENT, "wrong", backend="numpy")
    pair = climb(*pair_of, *voices)
    assert pair.parted.culprit == "wrong:cpu:loop:float32", pair.summary
    assert "agrees with torch:cpu:eager:float64, wrong:cpu:loop:float64" in pair.parted.text


def test_errors_are_in_units_of_what_rounding_does():
    pair = climb(subject(EXPERIMENT, dtype="float32"), subject(EXPERIMENT, "numpy", "float32"), subject(EXPERIMENT))
    assert pair.verdict == "equivalent", pair.summary
    assert set(pair.arbiter) == {"torch:cpu:eager:float32", "numpy:cpu:loop:float32"}
    for rungs in pair.arbiter.values():
        assert set(rungs) == {"predict", "loss", "gradients", "step", "trajectory"}
        for error in rungs.values():
            assert 0 <= error.error < 1e-5
            assert 0 <= error.times_noise < 10


def test_an_error_that_is_no_rounding_stands_out():
    """A candidate that is off by less than its limit, and far more than the reference is."""
    reference = subject(EXPERIMENT, dtype="float32")
    noise = reference.clouds[0].gradients.largest(KERNEL)

    def shift(gradients):
        return {**gradients, KERNEL: (gradients[KERNEL] + np.float32(0.9 * noise)).astype("float32")}

    pair = climb(reference, wrong(EXPERIMENT, climbing.in_gradient(None, shift), "float32"), subject(EXPERIMENT))
    found = {name: rungs["gradients"].times_noise for name, rungs in pair.arbiter.items()}
    assert found["wrong:cpu:loop:float32"] > found["torch:cpu:eager:float32"]


def run(tmp_path, **changes):
    """A whole run, and its record as it was written."""
    experiment = parity.recipe("polar", rows=60, epochs=6, batch_size=16, model=MLP((5,), "tanh"), **changes)
    result = parity.run(experiment, out=tmp_path / "run", throughput=False)
    return result, json.loads((tmp_path / "run" / "result.json").read_text())


def test_the_record_of_a_healthy_run_says_what_it_was_judged_by(tmp_path):
    _, record = run(tmp_path, contender=("numpy",))
    # float64 first: a difference there is one of meaning.
    assert [pair["candidate"].split(":")[-1] for pair in record["pairs"]] == ["float64", "float32"]
    for pair in record["pairs"]:
        assert pair["verdict"] == "equivalent"
        envelope = pair["envelope"]
        assert envelope["replicas"] == parity.Experiment().replicas
        assert envelope["factor"] >= 1
        assert envelope["path_factor"] >= 1
        assert 0 < envelope["supported_false_alarm"] < 1
        assert envelope["comparisons"] >= 1
        assert "ulp" in envelope["model"]
        assert pair["horizon"]["step"] is None
        assert pair["horizon"]["searched"] == record["experiment"]["epochs"] * (51 // 16)
        assert (pair["parted"], pair["causes"]) == (None, [])
    assert "name a third backend with --arbiter" in record["pairs"][0]["arbiter_note"]
    assert not record["pairs"][1]["arbiter_note"]
    of_float32 = record["pairs"][1]["arbiter"]
    assert set(of_float32) == {"numpy:cpu:loop:float32", "torch:cpu:eager:float32"}
    assert {"predict", "loss", "gradients", "step", "trajectory"} == set(of_float32["numpy:cpu:loop:float32"])


def half_gradients(monkeypatch):
    differentiate = torch_impl.program.Program.loss_and_grads

    def faulty(self, state, batch, training):
        loss, gradients = differentiate(self, state, batch, training)
        return loss, {name: gradient / 2 for name, gradient in gradients.items()}

    monkeypatch.setattr(torch_impl.program.Program, "loss_and_grads", faulty)


@pytest.mark.parametrize("arbiter", [None, "numpy"])
def test_the_record_of_a_wrong_run_says_where_and_who(arbiter, monkeypatch, tmp_path):
    half_gradients(monkeypatch)
    dtypes = {"contender": ("jax:float64",), "reference": "torch:cpu:float64"}
    _, record = run(tmp_path, **dtypes, arbiter=arbiter)
    (pair,) = record["pairs"]
    assert (record["verdict"], pair["parted"]["step"], pair["parted"]["stage"]) == ("different", 1, "gradient")
    assert pair["parted"].keys() == {"step", "stage", "tensor", "where", "gap", "culprit", "text"}
    assert pair["parted"]["tensor"].startswith("layers.")
    for cause in pair["causes"]:
        assert {"code", "text", "align"} <= cause.keys()
    if arbiter:
        assert pair["parted"]["culprit"] == "torch:cpu:eager:float64"
        assert "jax:cpu:scan:float64 agrees with numpy:cpu:loop:float64" in pair["parted"]["text"]


def test_a_fault_of_both_dtypes_is_no_matter_of_the_float64_runs_of_the_two(monkeypatch, tmp_path):
    half_gradients(monkeypatch)
    _, record = run(tmp_path, contender=("numpy",))
    assert [broken_of(pair) for pair in record["pairs"]] == [["gradients"], ["gradients"]]
    # Each side's own float64 run speaks for it.
    float32 = record["pairs"][1]
    assert "nothing tells which is off" in float32["parted"]["text"]


def broken_of(pair):
    return [rung["name"] for rung in pair["rungs"] if not rung["passed"]]


@pytest.mark.parametrize(("reference", "candidate"), [("float64", "float32"), ("float32", "float64")])
def test_contenders_that_differ_in_dtype_are_judged_by_the_coarser(reference, candidate):
    pair = climb(subject(EXPERIMENT, dtype=reference), subject(EXPERIMENT, "numpy", candidate))
    assert pair.verdict == "equivalent", pair.summary
    limits = {rung.name: rung.limit for rung in pair.rungs if rung.limit}
    assert all(1e-8 < limits[name] < 1e-4 for name in ("predict", "loss", "gradients", "step", "trajectory")), limits
    faulty = wrong(EXPERIMENT, in_gradient(3), candidate)
    assert broken_at(climb(subject(EXPERIMENT, dtype=reference), faulty)) == ["step"]


def test_an_arbiter_that_has_no_float64_is_refused(monkeypatch, tmp_path):
    from numpy_impl.backend import NumpyBackend

    monkeypatch.setattr(NumpyBackend, "dtypes", ("float32",))
    with pytest.raises(InputError, match="arbiter is 'numpy', which has no float64; expected a backend that has"):
        run(tmp_path, contender=("jax:float32",), arbiter="numpy")
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_arbiter_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"nunpy.*Did you mean numpy\?"):
        run(tmp_path, contender=("jax:float32",), arbiter="nunpy")
    assert list(tmp_path.iterdir()) == []
