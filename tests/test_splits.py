"""Repeated splits: each is the run of its own split, and mean and standard error are those of its numbers."""

import json
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import pytest
from rich.console import Console
from sklearn.metrics import mean_absolute_error, r2_score, root_mean_squared_error

import parity
import parity.outcomes.splits as splits
import parity.start as start
from parity import registry
from parity.contract import Data, InputError
from parity.problems import recipe
from parity.progress import Silent
from parity.report.terminal import show
from parity.start import draw

FLOAT64, FLOAT32 = "numpy:cpu:loop:float64", "numpy:cpu:loop:float32"
# Two outputs, batches, buffers and masks.
POLAR = recipe(
    "polar",
    rows=60,
    epochs=6,
    batch_size=16,
    splits=3,
    split_seed=7,
    contender=("numpy:float32",),
    reference="numpy:float64",
)


@pytest.fixture(scope="module")
def result():
    return parity.run(POLAR, throughput=False)


def alone(experiment):
    """Predictions and truth on the held-out rows of one split, trained by hand."""
    given = draw(experiment)
    trainer = registry.load("numpy").trainer(given.config, device="cpu", mode="loop", dtype="float64")
    trainer.set_state(given.state)
    trainer.fit(given.train, given.order)
    return given.targets.from_network(trainer.predict(given.held_out.inputs)), given.truth.targets


def test_each_split_is_the_run_of_that_split(result):
    scores = result.splits[FLOAT64]
    assert scores.splits == (7, 8, 9)
    assert list(scores.outputs) == ["x", "y"]
    for place, seed in enumerate(scores.splits):
        predictions, truth = alone(replace(POLAR, split_seed=seed, splits=1))
        for k, spreads in enumerate(scores.outputs.values()):
            mine = truth[:, k], predictions[:, k]
            assert spreads["rmse"].each[place] == pytest.approx(root_mean_squared_error(*mine), rel=1e-12)
            assert spreads["mae"].each[place] == pytest.approx(mean_absolute_error(*mine), rel=1e-12)
            assert spreads["r2"].each[place] == pytest.approx(r2_score(*mine), rel=1e-12)


def test_mean_and_standard_error_are_those_of_the_splits(result):
    for scores in result.splits.values():
        for spreads in scores.outputs.values():
            for spread in spreads.values():
                assert len(set(spread.each)) == 3
                assert spread.mean == pytest.approx(np.mean(spread.each))
                assert spread.standard_error == pytest.approx(np.std(spread.each, ddof=1) / 3**0.5)


def test_every_contender_that_held_is_trained(result):
    assert list(result.splits) == [FLOAT64, FLOAT32]
    one, other = (scores.outputs["x"]["rmse"].each for scores in result.splits.values())
    np.testing.assert_allclose(one, other, rtol=1e-4)
    assert one != other


def test_a_record_has_them_and_a_reader_sees_them(result):
    record = json.loads(json.dumps(result.to_json(), allow_nan=False))["splits"]
    assert set(record) == {FLOAT64, FLOAT32}
    rmse = record[FLOAT64]["outputs"]["y"]["rmse"]
    assert set(rmse) == {"mean", "standard_error", "each"}
    assert len(rmse["each"]) == 3
    console = Console(width=100)
    with console.capture() as shown:
        show(result, console)
    told = shown.get()
    assert "Over 3 splits" in told
    assert told.count(" ± ") == 2 * 2 * 3
    error = f"{rmse['standard_error']:.2g}"
    assert f"{rmse['mean']:.{len(error) - 2}f} ± {error}" in told


@pytest.mark.parametrize("rows", ["all", "the first split's"])
def test_a_scaling_of_other_rows_changes_the_numbers(monkeypatch, result, rows):
    """The planted faults that each split's own training rows are for."""
    true, seen = start.scalings, []

    def of_all(experiment, problem, train):
        return true(experiment, problem, start.rows_of(experiment, problem))

    def of_the_first(experiment, problem, train):
        seen.append(train)
        return true(experiment, problem, seen[0])

    monkeypatch.setattr(start, "scalings", of_all if rows == "all" else of_the_first)
    faulty = parity.run(POLAR, throughput=False).splits[FLOAT64].outputs["x"]["rmse"].each
    right = result.splits[FLOAT64].outputs["x"]["rmse"].each
    changed = [abs(one - other) > 1e-9 for one, other in zip(right, faulty, strict=True)]
    assert changed == [rows == "all", True, True]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A table of 40 rows in five folds, one of them a row longer."""
    monkeypatch.chdir(tmp_path)
    place = tmp_path / "folds"
    place.mkdir()
    rows = np.random.default_rng(0).uniform(1, 2, (41, 2))
    table = np.column_stack([rows, rows.prod(axis=1)])
    np.savetxt(place / "data.csv", table, delimiter=",", header="a,b,z", comments="")
    for k, held_out in enumerate(np.array_split(np.random.default_rng(1).permutation(41), 5)):
        np.savetxt(place / f"index_test_{k}.txt", held_out, fmt="%d")
        np.savetxt(place / f"index_train_{k}.txt", np.setdiff1d(np.arange(41), held_out), fmt="%d")
    return table


def folds(**changes):
    columns = parity.Columns(target=("z",))
    return parity.recipe(
        "folds", columns=columns, epochs=30, contender=("numpy:float32",), reference="numpy:float64", **changes
    )


def test_the_folds_of_a_folder_are_its_splits(folder):
    scores = parity.run(folds(splits=5), throughput=False).splits[FLOAT64]
    assert scores.splits == (0, 1, 2, 3, 4)
    for number, rmse in enumerate(scores.outputs["z"]["rmse"].each):
        predictions, truth = alone(folds(split_seed=number))
        held_out = np.loadtxt(f"folds/index_test_{number}.txt", dtype=int)
        np.testing.assert_array_equal(truth[:, 0], folder[held_out, 2])
        assert rmse == pytest.approx(root_mean_squared_error(truth, predictions), rel=1e-12)


def test_more_splits_than_there_are_end_before_any_work(folder, tmp_path):
    with pytest.raises(InputError, match=r"splits 6, but folds has 5 splits, 0 to 4; expected the last, 5"):
        parity.run(folds(splits=6), throughput=False, out=tmp_path / "run")
    # 32 or 33 training rows make 2 batches of 11, or 3.
    with pytest.raises(InputError, match=r"training rows for 60 and 90 steps; .*--batch-size None"):
        parity.run(folds(splits=5, batch_size=11), throughput=False, out=tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"splits": 0}, "splits is 0; expected a whole number of at least 1"),
        ({"split_seed": 2**32 - 2}, "the last, 4294967296, to be below"),
    ],
)
def test_unusable_values_are_quoted(changes, told):
    with pytest.raises(InputError, match=told):
        replace(POLAR, **changes)


class StopAt(Silent):
    """Interrupts the n-th stack of splits."""

    def __init__(self, number):
        self.left = number

    @contextmanager
    def task(self, name, total):
        self.left -= name.startswith("training splits")
        if self.left == 0:
            raise KeyboardInterrupt
        yield lambda done: None


def test_an_interrupt_leaves_the_splits_that_were_trained(monkeypatch, result, tmp_path):
    monkeypatch.setattr("parity.outcomes.splits.LARGEST_STACK", 2)
    ended = parity.run(POLAR, throughput=False, watcher=StopAt(3), out=tmp_path / "run")
    assert not ended.complete
    for name, scores in ended.splits.items():
        assert scores.splits == (7,)
        assert scores.outputs["x"]["rmse"].each == result.splits[name].outputs["x"]["rmse"].each[:1]
        assert scores.outputs["x"]["rmse"].standard_error is None
    assert set(json.loads((tmp_path / "run" / "result.json").read_text())["splits"]) == {FLOAT64, FLOAT32}


def test_what_diverged_is_in_no_mean(monkeypatch, result):
    true = splits.draw_from

    def spoiled(experiment, problem, rows):
        given = true(experiment, problem, rows)
        if experiment.split_seed != 8:
            return given
        # As predictions of a run are that left the finite numbers.
        return replace(given, held_out=Data(np.full_like(given.held_out.inputs, np.nan), given.held_out.targets))

    monkeypatch.setattr(splits, "draw_from", spoiled)
    scores = parity.run(POLAR, throughput=False).splits[FLOAT64]
    assert (scores.splits, scores.diverged) == ((7, 9), (8,))
    right = result.splits[FLOAT64].outputs["x"]["rmse"].each
    assert scores.outputs["x"]["rmse"].each == (right[0], right[2])
    assert scores.outputs["x"]["rmse"].mean == pytest.approx((right[0] + right[2]) / 2)


def test_one_split_asks_for_none():
    assert parity.run(replace(POLAR, splits=1), throughput=False).splits == {}
