"""What the ladder sees: a seeded sample of `make faults`, and the tools that it is made with."""

import os
import time
from collections import Counter
from dataclasses import replace
from random import Random

import numpy as np
import pytest

from benchmarks.faults import healthy, mutants, parts, planted
from benchmarks.faults.catalogue import CATALOGUE
from benchmarks.faults.copies import ROOT, copied
from benchmarks.faults.effect import ROUNDING, effect, further
from benchmarks.faults.experiments import across, told
from benchmarks.faults.figures import shortfalls
from benchmarks.faults.jobs import rows_of
from benchmarks.faults.mutate import mutants as mutants_of
from benchmarks.faults.rates import rate, rates
from parity.contract import Adam, Loss

SEED = 0
PLACES = {
    "data",
    "layers",
    "activations",
    "losses",
    "gradients",
    "optimizers",
    "solvers",
    "schedules",
    "state",
    "buffers",
    "dtype",
    "order",
    "reporting",
}
# Those that change nothing in the experiments they are planted in.
EQUIVALENT = {"rows_of_a_batch_in_another_order", "softplus_with_its_default_threshold"}


def drawn_faults(count):
    """Jobs with a fault of each place first, then any; each in one of its experiments."""
    random = Random(SEED)
    faults = [fault for fault in CATALOGUE.values() if fault.twin == "torch" and fault.name not in EQUIVALENT]
    random.shuffle(faults)
    first = {fault.place: fault for fault in faults}.values()
    chosen = [*first, *(fault for fault in faults if fault not in first)][:count]
    return [(fault.name, random.randrange(len(fault.experiments))) for fault in chosen]


SAMPLE = [*drawn_faults(17), ("running_variance_of_nnx", 1), *((name, 0) for name in sorted(EQUIVALENT))]
MUTANTS = [(number,) for number in Random(SEED).sample(range(len(mutants.all_mutants())), 8)]
SEEDS = [(1,), (9,)]


def in_processes(work, jobs, folder):
    """The row of each job, by the job."""
    return dict(rows_of(work, jobs, folder / "rows.jsonl", seconds=120))


@pytest.fixture(scope="module")
def planted_rows(tmp_path_factory):
    return in_processes(planted.row_of, SAMPLE, tmp_path_factory.mktemp("faults"))


@pytest.fixture(scope="module")
def mutant_rows(tmp_path_factory):
    mutants.references()
    return in_processes(mutants.row_of, MUTANTS, tmp_path_factory.mktemp("mutants"))


@pytest.fixture(scope="module")
def healthy_rows(tmp_path_factory):
    return in_processes(healthy.row_of, SEEDS, tmp_path_factory.mktemp("healthy"))


@pytest.mark.parametrize("job", SAMPLE, ids=lambda job: f"{job[0]}-{job[1]}")
def test_a_planted_fault_is_caught_at_its_rung(planted_rows, job):
    row = planted_rows[job]
    assert "error" not in row, row
    assert row["equivalent"] == (job[0] in EQUIVALENT), row
    expected = None if row["equivalent"] else row["expected_rung"]
    assert (row["detected"], row["rung"]) == (expected is not None, expected), row
    assert bool(row["where"]) == row["detected"]
    assert not row["detected"] or set(row["causes"]) & set(row["expected_cause"]), row


@pytest.mark.parametrize("job", MUTANTS, ids=lambda job: str(job[0]))
def test_no_mutant_that_changes_the_result_survives(mutant_rows, job):
    row = mutant_rows[job]
    row = mutants.ended(job, row["error"]) if "error" in row else row
    assert row["outcome"] in ("caught", "equivalent"), row


@pytest.mark.parametrize("job", SEEDS, ids=lambda job: str(job[0]))
def test_a_healthy_run_does_not_alarm(healthy_rows, job):
    rows = healthy_rows[job]["rows"]
    assert [row for row in rows if row["alarm"]] == []
    assert {row["rung"] for row in rows} == {"start", "predict", "loss", "gradients", "step", "trajectory", "accuracy"}


def test_every_place_of_training_has_faults_and_every_fault_three_experiments():
    places = Counter(fault.place for fault in CATALOGUE.values())
    assert set(places) == PLACES
    assert min(places.values()) >= 3
    assert len(CATALOGUE) >= 40
    for fault in CATALOGUE.values():
        assert len({told(experiment) for experiment in fault.experiments}) >= 3, fault.name
        assert fault.text.endswith("."), fault.name
        assert fault.causes, fault.name


# What is copied knows nothing of the dtype: JAX, which compiles for each, is shown in one.
@pytest.mark.parametrize(("twin", "dtype"), [("torch", "float64"), ("torch", "float32"), ("jax", "float32")])
def test_a_healthy_copy_is_its_twin(twin, dtype):
    experiment = across(regularized=True, dropout=0.2)[1]
    with copied(twin, "copy"):
        assert effect("copy", twin, experiment, dtype) <= 1.0
        assert planted.climb("copy", experiment, dtype).verdict == "equivalent"


def test_a_copy_leaves_nothing_behind():
    fault = CATALOGUE["adam_b2_of_099"]
    for _ in range(2):
        with planted.planted(fault):
            assert planted.broken_rung(planted.climbed(fault, fault.experiments[0])) == "step"
    with copied("torch", fault.name):
        assert planted.broken_rung(planted.climbed(fault, fault.experiments[0])) is None


def test_the_mean_over_the_batch_only_is_equivalent_with_one_output():
    fault = CATALOGUE["mean_over_the_batch_only"]
    (experiment, *_) = across(loss=Loss("mse"))
    with planted.planted(fault):
        assert effect(fault.name, "torch", experiment, "float64") <= ROUNDING
        assert planted.climbed(fault, experiment).verdict == "equivalent"


def test_a_fault_on_the_way_is_placed_at_its_step():
    fault = CATALOGUE["two_batches_exchanged"]
    with planted.planted(fault):
        pair = planted.climbed(fault, fault.experiments[0])
    assert pair.rungs[-1].where.startswith("step 61, ")


@pytest.mark.parametrize("name", ["two_batches_exchanged", "losses_shifted"])
def test_a_fault_on_the_way_is_caught_in_float32_too(name):
    fault = replace(CATALOGUE[name], dtype="float32")
    with planted.planted(fault):
        assert planted.broken_rung(planted.climbed(fault, fault.experiments[0])) == "trajectory"


def test_the_oracle_sees_the_smallest_change_of_a_constant_and_no_other_order_of_summation():
    with copied("torch", "nudged") as twin:
        build = twin.optimizers.OPTIMIZERS[Adam]
        twin.optimizers.OPTIMIZERS[Adam] = lambda c, p: build(replace(c, b2=c.b2 * (1 + 1e-9)), p)
        assert effect("nudged", "torch", across(optimizer=Adam(1e-2))[0], "float64") > ROUNDING
    with copied("torch", "reversed") as twin:
        healthy.with_rows_reversed(twin)
        assert effect("reversed", "torch", across(regularized=True)[0], "float64") <= ROUNDING


def test_a_change_of_a_small_tensor_counts_beside_a_large_one_and_rounding_in_one_that_is_zero_does_not():
    eps = float(np.finfo("float64").eps)
    truth = {"kernel": np.array([1e6, 1.0]), "bias": np.array([1e-6]), "in front of a norm": np.array([3 * eps])}
    clean = truth | {"in front of a norm": np.array([-eps])}

    def times_further(**found):
        return further({"gradients": clean | found}, {"gradients": clean}, {"gradients": truth}, "float64")

    assert times_further() <= 1.0
    assert times_further(bias=np.array([1e-6 * (1 + 1e-9)])) > ROUNDING
    assert times_further(**{"in front of a norm": np.array([500 * eps])}) <= ROUNDING
    assert times_further(bias=np.array([np.nan])) == float("inf")
    assert times_further(bias=np.array([1e-6], np.float32)) == float("inf")


def test_a_mutant_is_caught_by_a_crash_of_its_own_and_not_by_an_error_of_parity(monkeypatch):
    source = (ROOT / "torch_impl" / "losses.py").read_text(encoding="utf-8")
    with copied("torch", mutants.NAME, {"losses.py": source + "\nraise ArithmeticError\n"}):
        assert mutants.fate_of(mutants.NAME).by.startswith("crash, ")
    source = (ROOT / "torch_impl" / "trainer.py").read_text(encoding="utf-8")
    exchanged = source.replace("loss.item(), from_native_names(gradients)", "from_native_names(gradients), loss.item()")
    with copied("torch", mutants.NAME, {"trainer.py": exchanged}):
        assert mutants.fate_of(mutants.NAME).by.startswith("refused, loss_and_grads of mutant gave a loss as dict")

    def climb(backend, experiment, dtype):
        raise ArithmeticError("of its own")

    monkeypatch.setattr(mutants, "climb", climb)
    monkeypatch.setattr(mutants, "changed_in", lambda backend: [(mutants.coverage()[0], 100.0)])
    fate = mutants.fate_of(mutants.NAME)
    assert (fate.outcome, fate.by) == ("error", "ArithmeticError: of its own")
    assert mutants.ended((0,), "the process died with status -6")["outcome"] == "caught"
    assert mutants.ended((0,), "KeyError: 'x'")["outcome"] == "error"


def test_rows_are_kept_for_one_calibration_and_the_calibration_for_its_own_source(tmp_path, monkeypatch):
    monkeypatch.setattr(parts, "ROOT", tmp_path)
    monkeypatch.setattr(parts, "CALIBRATION", tmp_path / "calibration.json")
    folder = parts.folder.__wrapped__
    for file in ("calibration.json", "calibrate.py"):
        (tmp_path / file).write_text("1", encoding="utf-8")
    of_faults, of_calibration = folder(), folder("calibrate.py")
    assert (folder(), folder("calibrate.py")) == (of_faults, of_calibration)
    (tmp_path / "calibration.json").write_text("2", encoding="utf-8")
    assert folder() != of_faults
    assert folder("calibrate.py") == of_calibration
    (tmp_path / "calibrate.py").write_text("2", encoding="utf-8")
    assert folder("calibrate.py") != of_calibration
    monkeypatch.setattr(parts, "version", lambda name: "0")
    assert folder("calibrate.py") not in (of_calibration, folder())


def test_each_operator_changes_one_place():
    source = (
        'SCALE = {"a": f, "b": g}\n\n'
        "def h(x: float = 2.0):\n"
        '    """Text."""\n'
        "    if x < 1 and g(x):\n"
        "        x.m()\n"
        "    return -x - f(x, k=True)\n"
    )
    found = {(mutant.line, mutant.operator, mutant.after) for mutant in mutants_of(source)}
    assert found == {
        (1, "entries exchanged", "{'a': g, 'b': f}"),
        (3, "constant plus 1", "3.0"),
        (3, "constant 1 % larger", "2.02"),
        (3, "constant zero", "0.0"),
        (5, "condition always true", "if True:"),
        (5, "condition never true", "if False:"),
        (5, "and or exchanged", "x < 1 or g(x)"),
        (5, "comparison exchanged", "x <= 1"),
        (5, "constant plus 1", "2"),
        (5, "function not called", "x"),
        (6, "statement dropped", ""),
        (6, "method not called", "x"),
        (7, "operator exchanged", "-x + f(x, k=True)"),
        (7, "operands exchanged", "f(x, k=True) - -x"),
        (7, "only the left operand", "-x"),
        (7, "only the right operand", "f(x, k=True)"),
        (7, "sign or not dropped", "x"),
        (7, "keyword dropped", "f(x)"),
        (7, "boolean flipped", "False"),
    }
    assert all(compile(mutant.source, "mutant", "exec") for mutant in mutants_of(source))


def work(job):
    """What a job may do."""
    what, path = job
    with open(path, "a", encoding="utf-8") as file:
        file.write(f"{what}\n")
    if what == "crash":
        os.abort()
    if what == "hang":
        while True:
            time.process_time()
    if what == "raise":
        raise ValueError("expected something else")
    return {"done": what}


def test_a_job_that_ends_badly_ends_alone_and_nothing_is_done_twice(tmp_path):
    jobs = [(what, str(tmp_path / "log")) for what in ("crash", "well", "raise", "hang", "too")]
    part = tmp_path / "part.jsonl"
    rows = {job[0]: row for job, row in rows_of(work, jobs, part, seconds=5)}
    assert rows["well"] == {"done": "well"}
    assert rows["too"] == {"done": "too"}
    assert rows["raise"] == {"error": "ValueError: expected something else"}
    assert rows["crash"] == {"error": "the process died with status -6"}
    assert rows["hang"] == {"error": "no end within the time limit"}

    # An interrupt cuts the last line short: that job alone is done again.
    whole = part.read_text(encoding="utf-8").splitlines()
    lost = next(line for line in whole if "too" in line and "done" in line)
    part.write_text("\n".join([*(line for line in whole if line != lost), lost[:20]]) + "\n", encoding="utf-8")
    again = {job[0]: row for job, row in rows_of(work, jobs, part, seconds=5, keep_errors=True)}
    assert again == rows
    done = Counter((tmp_path / "log").read_text(encoding="utf-8").split())
    assert done == {"crash": 1, "well": 1, "raise": 1, "hang": 1, "too": 2}

    # Where an error is not what was asked for, the job is done again.
    assert {job[0]: row for job, row in rows_of(work, jobs, part, seconds=1)} == rows
    done = Counter((tmp_path / "log").read_text(encoding="utf-8").split())
    assert done == {"crash": 2, "well": 1, "raise": 2, "hang": 2, "too": 2}


def test_a_rate_has_its_exact_interval():
    found = rate([False] * 3000)
    assert (found["count"], found["of"], found["low"]) == (0, 3000, 0.0)
    assert found["high"] == pytest.approx(1 - 0.025 ** (1 / 3000))
    assert rate([])["rate"] is None


def healthy_row(rung, seed=0, **fields):
    return {
        "candidate": "numpy",
        "seed": seed,
        "rung": rung,
        "alarm": False,
        "compared": True,
        "limit": 1.0,
    } | fields


def test_only_what_was_compared_and_judged_counts_as_healthy():
    rows = [
        *(healthy_row(rung) for rung in ("start", "predict", "loss", "gradients")),
        healthy_row("step", compared=False),
        healthy_row("gradients", 1, compared=False),
        healthy_row("trajectory", compared=False),
        healthy_row("trajectory", 1),
        healthy_row("trajectory", 2, alarm=True),
        healthy_row("accuracy", 2, limit=None),
    ]
    found = rates([], [], rows)
    counts = {name: (each["count"], each["of"]) for name, each in found.items() if each["of"]}
    assert counts == {
        "false alarms per comparison on predict to step": (0, 3),
        "false alarms per trajectory": (1, 2),
        "false alarms per learning curve": (0, 1),
        "healthy experiments with a false alarm": (1, 3),
    }
    assert [name for name, each in found.items() if each["low"] is not None] == [
        "healthy experiments with a false alarm"
    ]


def whole_run():
    caught = {"equivalent": False, "detected": True, "rung": "step", "expected_rung": "step"}
    named = {"fault": "a", "causes": ["x"], "expected_cause": ["x"]}
    record = {
        "faults": [caught | named | {"experiment": str(number)} for number in range(100)],
        "mutants": [{"outcome": "caught", "by": "step"}, {"outcome": "equivalent", "by": ""}],
        "healthy": [*[healthy_row("predict")] * 3000, *[healthy_row("trajectory")] * 300],
        "errors": [],
    }
    # One fault that nothing shows.
    equivalent = {"fault": "b", "experiment": "0", "equivalent": True, "detected": False, "rung": None}
    record["faults"].append(caught | named | equivalent)
    return record


@pytest.mark.parametrize(
    ("part", "row", "times", "short"),
    [
        ("faults", {"detected": False}, 1, ["faults detected"]),
        ("faults", {"rung": "loss"}, 5, []),
        ("faults", {"rung": "loss"}, 6, ["faults at the right rung"]),
        ("faults", {"causes": ["y", "x"]}, 20, []),
        ("faults", {"causes": ["y", "x"]}, 21, ["right cause first"]),
        ("faults", {"causes": []}, 6, ["right cause among three"]),
        ("faults", {"fault": "c"}, 2, ["fault c"]),
        ("faults", {"fault": "c"}, 3, []),
        ("faults", {"equivalent": True}, 1, ["equivalent faults that alarm"]),
        ("mutants", {"outcome": "survived"}, 1, ["mutants caught"]),
        ("mutants", {"outcome": "error"}, 1, ["mutants caught"]),
        ("healthy", {"compared": False}, 1, ["false alarms per comparison on predict to step"]),
        ("healthy", {"rung": "start", "alarm": True}, 1, ["healthy experiments with a false alarm"]),
    ],
)
def test_a_whole_run_says_what_fell_short(part, row, times, short):
    record = whole_run()
    for number in range(times):
        record[part][number] = record[part][number] | row
    # What the changed row of the start takes from the comparisons is given back.
    record["healthy"] += [healthy_row("predict")] * (row.get("rung") == "start")
    record["rates"] = rates(record["faults"], record["mutants"], record["healthy"])
    assert [text.split(":")[0] for text in shortfalls(record)] == short


def test_jobs_that_end_in_an_error_fall_short():
    record = whole_run() | {"errors": [{"part": "healthy", "job": "7", "error": "MemoryError: "}]}
    record["rates"] = rates(record["faults"], record["mutants"], record["healthy"])
    assert list(shortfalls(record)) == ["healthy 7: MemoryError: "]
