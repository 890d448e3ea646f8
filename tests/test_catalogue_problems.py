"""The engineering catalogue: what every problem promises, its libraries, its cache, and rows that have no truth."""

import os
import subprocess
import sys
from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from command import environment, parity
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from parity.contract import InputError
from parity.problems import CATALOGUE, Quantity, draw_rows, find, register
from parity.problems.drawing import inputs_at, spread, truth_at
from parity.problems.errors import errors, measure_of, told, told_bound
from parity.problems.problem import Bound
from parity.start import draw

ENGINEERING = [name for name in CATALOGUE if name not in ("paraboloid", "polar", "rings")]
OF_LIBRARIES = [name for name in ENGINEERING if CATALOGUE[name].libraries]
SLOW = {"humid_air": 1000, "r134a_cop": 1000}


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """A cache of the test's own."""
    monkeypatch.setenv("PARITY_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "truths"


@pytest.fixture
def changed():
    """A problem of the catalogue with some fields changed, registered under another name for the test."""

    def with_changes(name, **changes):
        problem = replace(find(name), name="changed", **changes)
        register(replace(problem, recipe=replace(problem.recipe, problem="changed")))
        return find("changed")

    yield with_changes
    CATALOGUE.pop("changed", None)


def widened(quantities, **ends):
    """The quantities, some with another upper end."""
    return tuple(replace(quantity, high=ends.get(quantity.symbol, quantity.high)) for quantity in quantities)


def test_the_catalogue_has_its_problems():
    assert len(ENGINEERING) == 16
    assert all(CATALOGUE[name].name == name for name in CATALOGUE)


@pytest.mark.parametrize("name", CATALOGUE)
def test_the_example_is_what_the_truth_gives(name):
    problem = find(name)
    inputs, outputs = map(np.array, problem.example)
    # Twelve digits are kept, and some truths are iterated to about ten.
    np.testing.assert_allclose(problem.truth(inputs[None])[0], outputs, rtol=1e-9)
    for quantity, value in zip((*problem.inputs, *problem.outputs), (*inputs, *outputs), strict=True):
        assert quantity.low <= value <= quantity.high


@pytest.mark.parametrize("name", ENGINEERING)
def test_an_engineering_problem_says_what_it_is(name):
    problem = find(name)
    assert problem.used
    assert problem.family != "first steps"
    assert problem.recipe.problem == name
    assert problem.recipe.train_rows == 4000
    assert {*problem.libraries} <= {"CoolProp", "fluids", "ht"}
    for quantity in problem.outputs:
        if (name, quantity.symbol) == ("humid_air", "h"):  # follows from the other two
            continue
        assert quantity.need is not None
        assert quantity.target is not None
        # A relative error is one only where the truth stays away from 0.
        assert quantity.need.measure == "max_abs" or quantity.low > 0
    for quantity in (*problem.inputs, *problem.drawn, *problem.outputs):
        assert quantity.low < quantity.high
        assert quantity.low > 0 or not quantity.log


@pytest.mark.parametrize("name", ENGINEERING)
def test_thousands_of_rows_are_finite_and_in_their_ranges(name):
    problem = find(name)
    data = draw_rows(problem, SLOW.get(name, 10_000), np.random.default_rng(0))
    check_ranges(problem, data.inputs, data.targets)
    # The ranges of the outputs are those that occur, not wider ones.
    for quantity, column in zip(problem.outputs, data.targets.T, strict=True):
        scale = np.log if quantity.log else np.asarray
        assert np.ptp(scale(column)) > 0.6 * np.ptp(scale([quantity.low, quantity.high]))


def check_ranges(problem, inputs, outputs):
    assert np.isfinite(outputs).all()
    for side, columns in ((problem.inputs, inputs), (problem.outputs, outputs)):
        for quantity, column in zip(side, columns.T, strict=True):
            # A power of a ratio ends a rounding or two from the end of the range.
            slack = 1e-12 * abs(quantity.high)
            assert quantity.low - slack <= column.min()
            assert column.max() <= quantity.high + slack


@pytest.mark.parametrize("name", ENGINEERING)
def test_every_corner_is_in_the_ranges(name):
    problem = find(name)
    axes = problem.drawn or problem.inputs
    corners = np.array(list(product([0.0, 0.5, 1.0], repeat=len(axes))))
    inputs = inputs_at(problem, spread(axes, corners))
    check_ranges(problem, inputs, truth_at(problem, inputs))


@settings(deadline=None, max_examples=150)
@given(st.data())
def test_every_point_of_the_ranges_is_in_them(data):
    problem = find(data.draw(st.sampled_from(ENGINEERING)))
    axes = problem.drawn or problem.inputs
    shares = data.draw(arrays(np.float64, (3, len(axes)), elements=st.floats(0.0, 1.0)))
    inputs = inputs_at(problem, spread(axes, shares))
    check_ranges(problem, inputs, truth_at(problem, inputs))


@pytest.mark.parametrize("name", [name for name in ENGINEERING if CATALOGUE[name].shortcut])
def test_a_shortcut_is_near_the_truth_where_it_is_stated(name):
    problem = find(name)
    data = draw_rows(problem, 500, np.random.default_rng(3))
    values = problem.shortcut.compute(data.inputs)
    assert values.shape == data.targets.shape
    stated = ~np.isnan(values)
    assert stated.any()
    # A textbook's formula is right within a factor of two or three; a unit that is wrong is not.
    ratio = values[stated] / data.targets[stated]
    assert ratio.min() > 0.4
    assert ratio.max() < 2.5


# The largest error of textbook formulas as the literature has them.
@pytest.mark.parametrize(
    ("name", "measure", "least", "most"),
    [
        ("colebrook", "max_rel", 0.01, 0.02),  # Haaland's own claim is 2 %
        ("eps_ntu_crossflow", "max_abs", 0.015, 0.02),
        ("heisler_wall", "max_abs", 0.01, 0.02),  # one term from Fo 0.2 on
        ("sphere_drag", "max_rel", 0.04, 0.06),  # Clift, Grace and Weber 1978, table 5.1: 5 % and -4 %
    ],
)
def test_a_shortcut_errs_as_far_as_is_known(name, measure, least, most):
    problem = find(name)
    data = draw_rows(problem, 5000, np.random.default_rng(4))
    error = errors(measure, data.targets[:, 0], problem.shortcut.compute(data.inputs)[:, 0])
    assert least < error.worst < most
    assert 0 < error.mean < error.worst


def test_errors_are_those_of_their_measure():
    truth, values = np.array([1.0, 2.0, -4.0, 5.0]), np.array([1.5, 2.0, -5.0, np.nan])
    assert errors("max_abs", truth, values).worst == 1.0
    assert errors("max_rel", truth, values).worst == 0.5
    assert errors("max_rel", truth, values).mean == 0.25
    many = np.ones(1001)
    assert errors("p99_rel", many, many + np.arange(1001) / 1000.0).worst == pytest.approx(0.99)
    assert told("max_abs", 0.5, "K") == "0.5 K"
    assert told("max_rel", 1.425, "K") == "142 %"
    assert told_bound(Bound("p99_rel", 0.01), "K") == "1 % in 99 of 100 rows"
    assert told_bound(None, "K") == "-"
    signed = Quantity("q", "heat", "W", -1.0, 1.0)
    assert [measure_of(each) for each in (signed, replace(signed, low=0.5))] == ["max_abs", "max_rel"]


# A row that a library refuses, or has no finite number for.

REFUSED = [
    ("steam_if97", {"drawn": {"p": 1e9}}, ["p = ", " Pa, superheat = ", " K"]),
    ("r134a_ph", {"inputs": {"h": 5e6}}, ["p = ", " Pa, h = ", " J/kg"]),
    ("humid_air", {"inputs": {"T": 900.0}}, ["T = ", " K, RH = ", ", p = ", " Pa"]),
    ("r134a_cop", {"inputs": {"Tc": 400.0}}, ["Te = ", " K, Tc = ", ", eta = "]),
    ("eps_ntu_crossflow", {"inputs": {"Cr": 1.5}}, ["NTU = ", ", Cr = 1."]),
    ("lmtd_F", {"drawn": {"share": 1.2}}, ["R = ", ", P = "]),
    ("terminal_velocity", {"inputs": {"rho": 9000.0}}, ["D = ", " m, rho_p = ", " kg/m3, rho = ", ", mu = ", " Pa s"]),
]


@pytest.mark.parametrize(("name", "wider", "told"), REFUSED)
def test_a_row_without_a_truth_is_named_with_its_values(name, wider, told, changed):
    problem = changed(name, **{side: widened(getattr(find(name), side), **ends) for side, ends in wider.items()})
    with pytest.raises(InputError) as refused:
        draw(replace(problem.recipe, rows=200))
    for part in (*told, "row ", "Narrow the ranges"):
        assert part in str(refused.value)


def test_the_first_row_that_is_refused_is_the_one_that_is_named(changed):
    problem = changed("humid_air")
    rows = np.array([[300.0, 0.5, 1e5], [310.0, 0.5, 1e5], [900.0, 0.5, 1e5], [950.0, 0.5, 1e5]])
    with pytest.raises(InputError, match=r"in row 2, where T = 900 K, RH = 0\.5, p = 100000 Pa: .*\. Narrow"):
        truth_at(problem, rows)
    rows = np.array([[1.0, 0.5], [1.0, 1.25], [1.0, 1.5]])
    with pytest.raises(InputError, match=r"in row 1, where NTU = 1, Cr = 1\.25: .*\. Narrow"):
        truth_at(changed("eps_ntu_crossflow"), rows)


def test_an_error_in_a_truth_of_ones_own_keeps_its_traceback(changed):
    def mistaken(inputs):
        return inputs.undefined

    with pytest.raises(AttributeError):
        draw(changed("paraboloid", truth=mistaken).recipe)


def test_a_negative_output_has_no_logarithm(changed):
    outputs = (replace(find("paraboloid").outputs[0], log=True),)
    problem = changed("paraboloid", truth=lambda inputs: inputs[:, :1] - 0.5, outputs=outputs)
    with pytest.raises(InputError, match=r"target values that have no logarithm, the first -0\..* in row .* x = 0\."):
        draw(problem.recipe)


# The libraries.

USES = """
import sys
from dataclasses import replace
from parity.contract import InputError
from parity.problems import CATALOGUE
from parity.start import draw
told = set()
for problem in CATALOGUE.values():
    if problem.libraries == ("CoolProp",) != (sys.argv[1],):
        continue
    try:
        draw(replace(problem.recipe, rows=100))
    except InputError as error:
        assert sys.argv[1] in problem.libraries or sys.argv[1] == "fluids" and "ht" in problem.libraries, problem.name
        told.add(problem.name)
        message = str(error)
        assert "pip install 'parity[engineering]'" in message and sys.argv[1] in message, message
print(*sorted(told))
"""


@pytest.mark.parametrize("library", ["CoolProp", "fluids", "ht"])
def test_a_missing_library_names_its_extra(library, tmp_path):
    env = hidden(library, tmp_path)
    done = subprocess.run([sys.executable, "-c", USES, library], env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    needing = {name for name in OF_LIBRARIES if library in CATALOGUE[name].libraries}
    # ht is built on fluids.
    needing |= {name for name in OF_LIBRARIES if library == "fluids" and "ht" in CATALOGUE[name].libraries}
    assert set(done.stdout.split()) == needing


def hidden(library, folder):
    """An environment in which a library can't be imported, and has no truths kept."""
    fails = f"raise ModuleNotFoundError({f'No module named {library!r}'!r}, name={library!r})\n"
    (folder / f"{library}.py").write_text(fails, encoding="utf-8")
    path = os.pathsep.join([str(folder), os.environ["PYTHONPATH"]])
    return environment(PYTHONPATH=path, PARITY_CACHE=str(folder / "none"), COLUMNS="80")


def test_the_page_of_a_problem_whose_library_is_missing_shows_the_rest(tmp_path):
    page = parity("problems", "colebrook", cwd=tmp_path, env=hidden("fluids", tmp_path))
    assert page.returncode == 0
    text = " ".join(page.stdout.split())
    for part in ("pip install 'parity[engineering]'", "Darcy friction factor", "Haaland", "Recipe: MLP", "Example: Re"):
        assert part in text
    assert "█" not in text


def test_no_library_is_imported_before_it_is_needed():
    told = (
        "import contextlib, io, sys, parity\nfrom parity.cli import main\n"
        "with contextlib.redirect_stdout(io.StringIO()):\n    assert main(['problems']) == 0\n"
        "    assert main(['problems', 'heisler_wall']) == 0\n"
        "print(*sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True)
    assert not {"CoolProp", "fluids", "ht"} & {*done.stdout.split()}


REFERENCE = """
import numpy as np
from CoolProp.CoolProp import PropsSI, set_reference_state
from parity.problems import find
problem = find("r134a_ph")
inputs = np.array([[3e5, 2.5e5], [1e6, 4.3e5]])
before = problem.truth(inputs)
set_reference_state("R134a", "NBP")
own = PropsSI("H", "T", 300, "Q", 0, "R134a")
np.testing.assert_allclose(problem.truth(inputs), before, rtol=1e-9)
assert PropsSI("H", "T", 300, "Q", 0, "R134a") == own
"""


def test_the_reference_state_of_the_process_is_neither_used_nor_changed():
    subprocess.run([sys.executable, "-c", REFERENCE], check=True)


# Truths that are kept.


def kept(cache):
    return sorted(cache.glob("*"))


@pytest.mark.parametrize("name", ["colebrook", "steam_if97", "annular_fin"])
def test_a_kept_truth_is_read_and_not_computed(name, cache, monkeypatch):
    first = draw(find(name).recipe)
    assert len(kept(cache)) == 1
    assert kept(cache)[0].name.startswith(f"{name}-")

    def refuses(*arguments, **options):
        raise AssertionError("It was computed again.")

    import CoolProp.CoolProp
    import fluids.vectorized
    import ht

    monkeypatch.setattr(fluids.vectorized, "Colebrook", refuses)
    monkeypatch.setattr(ht, "fin_efficiency_Kern_Kraus", refuses)
    properties = CoolProp.CoolProp.PropsSI
    monkeypatch.setattr(
        CoolProp.CoolProp, "PropsSI", lambda key, *others: properties(key, *others) if key == "T" else refuses()
    )
    assert draw(find(name).recipe).hashes == first.hashes
    # Other rows are others.
    with pytest.raises(InputError, match="computed again"):
        draw(replace(find(name).recipe, data_seed=1))


def test_a_truth_of_no_library_and_a_few_rows_are_not_kept(cache):
    draw(find("heisler_wall").recipe)
    truth_at(find("colebrook"), np.array([find("colebrook").example[0]]))
    assert kept(cache) == []


def test_a_truth_of_ones_own_is_not_kept(cache, changed):
    draw(changed("colebrook", truth=lambda inputs: inputs[:, :1]).recipe)
    assert kept(cache) == []


def flipped(raw, place):
    return raw[:place] + bytes([raw[place] ^ 1]) + raw[place + 1 :]


@pytest.mark.parametrize(
    "damage",
    [
        lambda raw: flipped(raw, len(raw) - 1),  # a value
        lambda raw: flipped(raw, len(raw) // 2),
        lambda raw: flipped(raw, 0),  # the header
        lambda raw: raw[:-8],
        lambda raw: b"",
        lambda raw: b"no tensor at all",
    ],
)
def test_a_damaged_file_is_computed_and_written_anew(damage, cache):
    whole = draw(find("colebrook").recipe)
    (path,) = kept(cache)
    raw = path.read_bytes()
    path.write_bytes(damage(raw))
    assert draw(find("colebrook").recipe).hashes == whole.hashes
    assert kept(cache) == [path]
    assert path.read_bytes() == raw


def test_a_file_of_other_rows_is_not_taken(cache):
    """Whole in itself, under the name of rows that are fewer."""
    draw(find("colebrook").recipe)
    (path,) = kept(cache)
    raw = path.read_bytes()
    fewer = replace(find("colebrook").recipe, rows=1000)
    expected = draw(fewer)
    (other,) = set(kept(cache)) - {path}
    other.write_bytes(raw)
    assert draw(fewer).hashes == expected.hashes


def test_a_folder_that_cannot_be_written_is_done_without(tmp_path, monkeypatch):
    expected = draw(find("colebrook").recipe).hashes
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    monkeypatch.setenv("PARITY_CACHE", str(tmp_path / "file"))
    assert draw(find("colebrook").recipe).hashes == expected


@pytest.mark.parametrize("change", ["version", "source"])
def test_another_library_or_another_truth_has_files_of_its_own(change, cache, monkeypatch):
    import parity.problems.cache as module

    draw(find("colebrook").recipe)
    if change == "version":
        monkeypatch.setattr(module, "version", lambda package: "999")
    else:
        monkeypatch.setattr(module, "_source", lambda: "other")
    draw(find("colebrook").recipe)
    assert len(kept(cache)) == 2
