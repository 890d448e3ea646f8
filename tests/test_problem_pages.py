"""`parity problems`: the list, and the page of one problem."""

import io
from dataclasses import replace

import numpy as np
import pytest
from rich.console import Console

from parity.problems import CATALOGUE, Quantity, find
from parity.report.catalogue import show_problem, show_problems
from parity.report.picture import HEIGHT, SHADES, WIDTH, picture


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory):
    """A cache of these tests' own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PARITY_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


def shown(show, what):
    text = io.StringIO()
    show(what, Console(file=text, width=80))
    return text.getvalue()


def test_the_list_has_a_line_a_problem_in_80_columns():
    lines = shown(show_problems, CATALOGUE.values()).splitlines()
    assert max(map(len, lines)) <= 80
    for problem in CATALOGUE.values():
        (line,) = [line for line in lines if line.split() and line.split()[0] == problem.name]
        assert problem.title in line
        assert line.rstrip().endswith(problem.outputs[-1].symbol)
    assert len(lines) == len(CATALOGUE) + 2 * len({problem.family for problem in CATALOGUE.values()}) + 3


@pytest.mark.parametrize("name", CATALOGUE)
def test_a_page_fits_and_says_all(name):
    problem = find(name)
    page = shown(show_problem, problem)
    assert max(map(len, page.splitlines())) <= 80
    text = " ".join(page.split())
    for part in (
        problem.title,
        problem.about,
        problem.used,
        problem.source,
        f"Recipe: {problem.recipe.model}",
        "Example: ",
    ):
        assert part in text
    for quantity in (*problem.inputs, *problem.drawn, *problem.outputs):
        assert f" {quantity.symbol} " in text
        assert f"{quantity.low:g} to {quantity.high:g}" in text
    for quantity in problem.outputs:
        if quantity.need is not None:
            assert f"error of {quantity.symbol}" in text
    assert ("Shortcut: " in text) == (problem.shortcut is not None)
    if problem.shortcut is not None:
        assert problem.shortcut.source in text
        assert "nan" not in text


def rows_of(problem):
    """The characters of a picture between its two lines, the uppermost row first."""
    return [line.split("│")[1] for line in picture(problem).plain.splitlines() if "│" in line]


def test_a_map_is_darker_where_the_output_is_larger():
    rows = rows_of(find("paraboloid"))
    assert len(rows) == HEIGHT
    assert {len(row) for row in rows} == {WIDTH}
    levels = np.array([[SHADES.index(character) for character in row] for row in rows])
    # x^2 + y^2 grows to the right and upwards, and takes every band.
    assert (np.diff(levels, axis=1) >= 0).all()
    assert (np.diff(levels, axis=0) <= 0).all()
    assert levels[-1, 0] == 0
    assert set(levels.ravel()) == set(range(len(SHADES)))
    # The bands part at equal steps of z, here along y = 0.
    x = np.linspace(0.0, 1.0, WIDTH)
    np.testing.assert_array_equal(levels[-1], np.floor(x**2 / 2.0 * len(SHADES)))


def test_a_map_of_a_logarithm_has_equal_bands_of_it():
    product = replace(
        find("paraboloid"),
        inputs=tuple(Quantity(symbol, "factor", "-", 1.0, 100.0, log=True) for symbol in "ab"),
        outputs=(Quantity("c", "product", "-", 1.0, 1e4, log=True),),
        truth=lambda inputs: inputs.prod(axis=1, keepdims=True),
    )
    bottom = rows_of(product)[-1]
    expected = np.floor(np.linspace(0.0, 0.5, WIDTH) * len(SHADES)).astype(int)
    assert [SHADES.index(character) for character in bottom] == list(expected)


def test_a_curve_is_as_high_as_the_output():
    rows = rows_of(
        replace(
            find("paraboloid"),
            inputs=find("paraboloid").inputs[:1],
            truth=lambda inputs: np.abs(inputs - 0.5),
        )
    )
    heights = np.array([[" ▁▂▃▄▅▆▇█".index(character) for character in row] for row in rows]).sum(axis=0)
    assert heights[0] == heights[-1] == 8 * HEIGHT
    assert heights.min() <= 4
    np.testing.assert_array_equal(heights, heights[::-1])
    # A straight line is one, to a step of an eighth of a character.
    np.testing.assert_allclose(heights[: WIDTH // 2], np.linspace(8 * HEIGHT, heights.min(), WIDTH // 2), atol=1.5)


def test_a_constant_has_a_picture():
    assert set("".join(rows_of(replace(find("paraboloid"), truth=lambda inputs: np.ones((len(inputs), 1)))))) == {" "}


def test_a_truth_that_fails_leaves_the_rest_of_the_page():
    broken = replace(find("paraboloid"), truth=lambda inputs: np.full((len(inputs), 1), np.nan))
    page = shown(show_problem, broken)
    assert "No picture, and no errors: paraboloid has 784 target values that are not finite" in " ".join(page.split())
    assert "Recipe: MLP" in page


def test_a_table_has_a_page_without_a_picture():
    page = shown(show_problem, replace(find("paraboloid"), truth=None, example=None))
    assert "│" not in page
    assert "Recipe: MLP" in page
