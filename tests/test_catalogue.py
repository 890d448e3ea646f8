"""`parity catalogue`: both optimizers in both backends, what is reached, and nothing measured twice."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import parity
from parity.catalogue import Entry, Store, engineering, key_of
from parity.cli import main
from parity.contract import MLP, Constant, LevenbergMarquardt
from parity.problems import CATALOGUE, Bound, Problem, Quantity, register
from parity.records import structured

COMMITTED = Path(__file__).parent.parent / "benchmarks" / "results" / "catalogue"

TINY = Problem(
    name="tiny",
    title="a parabola",
    about="One input, one output.",
    inputs=(Quantity("x", "abscissa", "m", 1.0, 2.0),),
    outputs=(
        Quantity("y", "square", "m2", 1.0, 4.0, need=Bound("max_rel", 0.05), target=Bound("max_rel", 0.02)),
        Quantity("c", "centred square", "m2", -3.0, 3.0, target=Bound("max_abs", 0.1)),
    ),
    truth=lambda inputs: np.hstack([inputs**2, inputs**2 - 2.5]),
    source="elementary geometry",
    recipe=parity.Experiment(
        problem="tiny",
        rows=150,
        test_rows=500,
        model=MLP((4,), "tanh"),
        optimizer=LevenbergMarquardt(),
        schedule=Constant(),
        epochs=20,
        contender=(":float64",),
    ),
)


@pytest.fixture(scope="module")
def tiny():
    register(TINY)
    yield TINY
    del CATALOGUE["tiny"]


@pytest.fixture(scope="module")
def measured(tiny, tmp_path_factory):
    folder = tmp_path_factory.mktemp("catalogue")
    assert main(["catalogue", "tiny", "--out", str(folder)]) == 0
    return folder


def entry_in(folder):
    return json.loads((folder / "tiny" / "entry.json").read_text())


def test_an_entry_tells_both_optimizers_in_both_backends(measured):
    entry = entry_in(measured)
    for name in ("recipe", "adam"):
        assert entry[name]["verdict"] == "equivalent"
        assert set(entry[name]["outputs"]) == {"torch:cpu:eager:float64", "jax:cpu:scan:float64"}
        assert all(seconds > 0 for seconds in entry[name]["seconds"].values())
    assert (entry["recipe"]["optimizer"], entry["adam"]["optimizer"]) == ("levenberg_marquardt", "adam")
    assert entry["speed"]["network"] > 0 < entry["speed"]["truth"]


def test_relative_errors_are_told_where_the_range_excludes_zero(measured):
    for outputs in entry_in(measured)["recipe"]["outputs"].values():
        assert 0 < outputs["y"]["mean_rel"] <= outputs["y"]["p99_rel"] <= outputs["y"]["max_rel"] <= 0.02
        assert outputs["c"]["max_rel"] is None
        assert outputs["c"]["target"]["held"]


def test_the_kept_network_reaches_what_the_entry_says(measured):
    surrogate = parity.load(measured / "tiny")
    x = np.linspace(1, 2, 300)[:, None]
    assert np.abs(surrogate(x) / np.hstack([x**2, x**2 - 2.5]) - 1)[:, 0].max() < 0.02


def test_the_table_has_a_row_an_output(measured):
    table = (measured / "catalogue.md").read_text()
    assert "| tiny | y | 5 % | 2 % |" in table
    assert "|  | c | - | 0.1 m2 |" in table
    assert "missed" not in table


def test_what_was_measured_is_not_measured_again(measured, capsys):
    before = entry_in(measured)
    assert main(["catalogue", "tiny", "--out", str(measured)]) == 0
    assert "measured already" in capsys.readouterr().out
    assert entry_in(measured) == before


def test_the_table_has_all_that_was_measured_in_the_folder(measured, tiny):
    other = replace(tiny, name="other", recipe=replace(tiny.recipe, problem="other", epochs=2))
    register(other)
    try:
        main(["catalogue", "other", "--out", str(measured)])
        table = (measured / "catalogue.md").read_text()
    finally:
        del CATALOGUE["other"]
    assert "| tiny | y |" in table
    assert "| other | y |" in table


def test_a_target_that_is_missed_is_told(tiny, tmp_path, capsys):
    outputs = (replace(tiny.outputs[0], target=Bound("max_rel", 1e-12)), tiny.outputs[1])
    register(replace(tiny, outputs=outputs, recipe=replace(tiny.recipe, epochs=1)))
    try:
        assert main(["catalogue", "tiny", "--out", str(tmp_path)]) == 1
    finally:
        register(tiny)
    assert "(missed)" in (tmp_path / "catalogue.md").read_text()


def test_what_was_measured_of_another_recipe_is_measured_anew(measured, tiny):
    store = Store.at(measured)
    assert store.find("tiny", key_of(tiny)) is not None
    assert store.find("tiny", key_of(replace(tiny, recipe=replace(tiny.recipe, seed=1)))) is None


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["colebrok"], "Did you mean colebrook?"),
        (["paraboloid"], "There is no problem 'paraboloid' with a target"),
        (["colebrook", "--out", "/dev/null/here"], "can't be written to"),
    ],
)
def test_bad_input_is_answered(arguments, told, capsys):
    assert main(["catalogue", *arguments]) == 2
    assert told in " ".join(capsys.readouterr().err.split())


def test_a_damaged_entry_says_what_to_do(tmp_path, tiny, capsys):
    (tmp_path / "tiny").mkdir()
    (tmp_path / "tiny" / "entry.json").write_text("{")
    assert main(["catalogue", "tiny", "--out", str(tmp_path)]) == 2
    assert "Remove it, to measure the problem again." in " ".join(capsys.readouterr().err.split())


@pytest.mark.parametrize("problem", engineering(), ids=lambda problem: problem.name)
def test_the_committed_entry_of_a_problem_holds_and_its_network_is_whole(problem):
    folder = COMMITTED / problem.name
    entry = structured(json.loads((folder / "entry.json").read_text(encoding="utf-8")), Entry, str(folder))
    assert entry.held
    assert {name.split(":")[0] for name in entry.recipe.outputs} == {"jax", "torch"}
    table = (COMMITTED / "catalogue.md").read_text(encoding="utf-8")
    assert f"| {problem.name} |" in table
    surrogate = parity.load(folder)
    assert [variable.symbol for variable in surrogate.outputs] == [quantity.symbol for quantity in problem.outputs]
