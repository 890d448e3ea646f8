"""Experiments as TOML: what is written is what is read, and what is left out comes from the problem's recipe."""

from dataclasses import fields, replace
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from parity.contract import (
    LBFGS,
    MLP,
    SGD,
    Adadelta,
    Adagrad,
    Adam,
    Adamax,
    AdamW,
    Constant,
    Cosine,
    Exponential,
    LevenbergMarquardt,
    Lion,
    Loss,
    NAdam,
    OneCycle,
    RAdam,
    RegularizedMLP,
    RMSprop,
    Schedule,
    Step,
    WarmupCosine,
)
from parity.contract.losses import LossKind, Reduction
from parity.contract.models import Activation, Initializer
from parity.contract.optimizers import FirstOrder, Solver
from parity.experiment import Experiment, LastBatch
from parity.kinds import KINDS
from parity.problems import CATALOGUE, recipe
from parity.records import experiment_from, read_experiment, write_experiment

positive = st.floats(0, exclude_min=True, allow_infinity=False)
not_negative = st.floats(0, allow_infinity=False)
share = st.floats(0, 1, exclude_max=True)
counts = st.integers(1, 10**6)
inner_share = st.floats(0, 1, exclude_min=True, exclude_max=True)
widths = st.lists(st.integers(1, 10**6), max_size=4).map(tuple)
seeds = st.integers(0, 2**32 - 1)
activations, initializers = st.sampled_from(get_args(Activation)), st.sampled_from(get_args(Initializer))
moments = {"learning_rate": positive, "b1": share, "b2": share, "eps": positive}
sgd = {"learning_rate": positive, "momentum": share, "weight_decay": not_negative}

OPTIMIZERS = {
    SGD: st.builds(SGD, **sgd) | st.builds(SGD, **{**sgd, "momentum": inner_share}, nesterov=st.just(True)),
    Adam: st.builds(Adam, **moments),
    AdamW: st.builds(AdamW, **moments, weight_decay=not_negative),
    RMSprop: st.builds(RMSprop, learning_rate=positive, decay=share, eps=positive, momentum=share),
    Adagrad: st.builds(Adagrad, learning_rate=positive, eps=positive),
    NAdam: st.builds(NAdam, **moments, momentum_decay=not_negative),
    RAdam: st.builds(RAdam, **moments),
    Adamax: st.builds(Adamax, **moments),
    Adadelta: st.builds(Adadelta, learning_rate=positive, decay=share, eps=positive),
    Lion: st.builds(Lion, learning_rate=positive, b1=share, b2=share, weight_decay=not_negative),
    LevenbergMarquardt: st.builds(
        LevenbergMarquardt,
        damping=st.floats(1e-5, 1e5),
        lowest=st.floats(1e-30, 1e-5),
        highest=st.floats(1e5, 1e30),
        block_rows=st.none() | counts,
    ),
    LBFGS: st.builds(LBFGS, memory=counts, c1=st.floats(1e-9, 0.4), c2=st.floats(0.5, 0.99), most_trials=counts),
}
SCHEDULES = {
    Constant: st.just(Constant()),
    Cosine: st.builds(Cosine, end=not_negative),
    Exponential: st.builds(Exponential, decay=positive),
    Step: st.builds(Step, every=st.integers(1, 10**9), decay=positive),
    OneCycle: st.builds(OneCycle, rise=inner_share, div=positive, final_div=positive),
    WarmupCosine: st.builds(WarmupCosine, warmup=share, start=st.floats(0, 1), end=not_negative),
}
MODELS = {
    MLP: st.builds(MLP, hidden=widths, activation=activations, initializer=initializers),
    RegularizedMLP: st.builds(
        RegularizedMLP,
        hidden=widths,
        activation=activations,
        initializer=initializers,
        momentum=positive,
        epsilon=positive,
        dropout=share,
    ),
}
losses = st.builds(
    Loss,
    kind=st.sampled_from(get_args(LossKind)),
    reduction=st.sampled_from(get_args(Reduction)),
    huber_delta=positive,
)
text = st.text(st.characters(exclude_categories=["Cs"]))


@st.composite
def experiments(draw):
    """Any experiment that may be written down, whether or not it makes sense to run it."""
    whole = Experiment(
        problem=draw(st.sampled_from(sorted(CATALOGUE))),
        rows=draw(st.integers(20, 10**9)),
        held_out=draw(st.floats(0.1, 0.9)),
        standardize=draw(st.booleans()),
        data_seed=draw(seeds),
        split_seed=draw(seeds),
        seed=draw(st.integers(0, 2**31)),
        seeds=draw(st.integers(1, 10**6)),
        margin=draw(positive),
        model=draw(st.one_of(*MODELS.values())),
        loss=draw(losses),
        optimizer=draw(st.one_of(*OPTIMIZERS.values())),
        schedule=draw(st.one_of(*SCHEDULES.values())),
        clip_norm=draw(st.none() | positive),
        epochs=draw(st.integers(1, 10**12)),
        last_batch=draw(st.sampled_from(get_args(LastBatch))),
        target_r2=draw(st.floats(max_value=1, allow_infinity=False)),
        contender=tuple(draw(st.lists(text, max_size=3))),
        replicas=draw(st.integers(1, 10**6)),
        false_alarm=draw(st.none() | st.floats(1e-9, 0.999)),
        arbiter=draw(text),
        reference=draw(text),
    )
    return replace(whole, batch_size=draw(st.none() | st.integers(2, max(2, whole.train_rows))))


@settings(deadline=None, max_examples=300)
@given(experiments())
def test_what_is_written_is_what_is_read(tmp_path_factory, experiment):
    path = tmp_path_factory.getbasetemp() / "experiment.toml"
    write_experiment(path, experiment)
    again = read_experiment(path)
    assert again == experiment
    assert repr(again) == repr(experiment)


def test_the_experiments_above_have_every_kind():
    assert set(OPTIMIZERS) == {*get_args(FirstOrder), *get_args(Solver)} == set(KINDS["optimizer"].values())
    assert set(SCHEDULES) == set(get_args(Schedule)) == set(KINDS["schedule"].values())
    assert set(MODELS) == set(KINDS["model"].values())


@pytest.mark.parametrize("kind", [cls for kinds in KINDS.values() for cls in kinds.values()])
def test_every_constant_is_spelled_out(kind, tmp_path):
    field = next(name for name, kinds in KINDS.items() if kind in kinds.values())
    path = tmp_path / "experiment.toml"
    write_experiment(path, recipe("polar", **{field: kind()}))
    table = path.read_text().split(f"[{field}]\n")[1].split("\n[")[0]
    written = {line.split(" = ")[0] for line in table.splitlines() if " = " in line}
    assert written == {"kind", *(each.name for each in fields(kind))}


def read(tmp_path, lines):
    path = tmp_path / "partial.toml"
    path.write_text(lines, encoding="utf-8")
    return read_experiment(path)


def test_an_empty_file_is_the_first_problem(tmp_path):
    assert read(tmp_path, "") == recipe("paraboloid")


@pytest.mark.parametrize("name", sorted(CATALOGUE))
def test_what_is_left_out_comes_from_the_recipe(name, tmp_path):
    assert read(tmp_path, f"problem = '{name}'\nepochs = 3") == recipe(name, epochs=3)


def test_a_table_changes_its_own_keys_alone(tmp_path):
    lines = "problem = 'rings'\n[optimizer]\nb1 = 0.8\n[loss]\nreduction = 'sum'\n[model]\nhidden = []"
    rings = recipe("rings")
    assert read(tmp_path, lines) == replace(
        rings,
        optimizer=replace(rings.optimizer, b1=0.8),
        loss=replace(rings.loss, reduction="sum"),
        model=replace(rings.model, hidden=()),
    )


def test_another_kind_takes_nothing_from_the_recipe(tmp_path):
    lines = "problem = 'polar'\n[optimizer]\nkind = 'sgd'\nmomentum = 0.9\n[model]\nkind = 'mlp'"
    assert read(tmp_path, lines) == recipe("polar", optimizer=SGD(momentum=0.9), model=MLP())


def test_none_is_written_in_quotes(tmp_path):
    assert read(tmp_path, "problem = 'polar'\nbatch_size = 'None'\nclip_norm = 'None'").batch_size is None
    assert read(tmp_path, "clip_norm = 2").clip_norm == 2.0


def test_a_mapping_is_read_as_a_file_is():
    assert experiment_from({"problem": "polar", "contender": ["numpy"]}, "here") == recipe(
        "polar", contender=("numpy",)
    )
