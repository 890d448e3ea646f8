"""Tables of one's own: what is read is what stands there, which columns are meant, and what can't be learned is told."""

import csv
import json
import runpy
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from command import contents, parity
from hypothesis import given, settings
from hypothesis import strategies as st

from parity.cli import main
from parity.columns import Columns
from parity.commands.run import parse_run
from parity.contract import InputError
from parity.problems import recipe
from parity.records import experiment_from, read_experiment, table_of, write_experiment
from parity.start import draw
from parity.tables import Split, read

AIRFOIL = Path(__file__).parent.parent / "examples" / "airfoil.py"
# The oracle against itself in another dtype.
QUICK = ("--epochs=20", "--no-throughput", "--contender=numpy:float32", "--reference=numpy:float64")


def rows_of(count=40, seed=0):
    """Rows a, b, z with z = a b + 1."""
    values = np.random.default_rng(seed).uniform(1.0, 2.0, (count, 2))
    return [[*map(float, row), float(row[0] * row[1] + 1)] for row in values]


def written(path, header, rows, delimiter=","):
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, delimiter=delimiter).writerows([header, *rows])
    return path


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def table(here):
    written(here / "data.csv", ["a", "b", "z"], rows_of())
    return "data.csv"


def values_of(start):
    """All rows as they were drawn, inputs and targets beside each other, in the order of the table."""
    return np.column_stack([start.problem.table.inputs, start.problem.table.targets])


@settings(deadline=None, max_examples=40)
@given(
    rows=st.lists(st.tuples(*[st.floats(-1e300, 1e300)] * 3), min_size=10, max_size=30),
    delimiter=st.sampled_from(",;\t"),
    byte_order_mark=st.booleans(),
    newline=st.sampled_from(["\n", "\r\n"]),
    header=st.lists(
        st.text("ab ,;\"'é", min_size=1).map(lambda name: f"x{name}y"), min_size=3, max_size=3, unique=True
    ),
)
def test_what_is_written_is_what_is_read(tmp_path_factory, rows, delimiter, byte_order_mark, newline, header):
    path = tmp_path_factory.getbasetemp() / "any.csv"
    encoding = "utf-8-sig" if byte_order_mark else "utf-8"
    with path.open("w", newline="", encoding=encoding) as file:
        csv.writer(file, delimiter=delimiter, lineterminator=newline).writerows([header, *rows])
    got = read(str(path))
    assert list(got.columns) == header
    np.testing.assert_array_equal(np.stack([column.values for column in got.columns.values()], axis=1), rows)


def test_parquet_is_read_as_csv_is(here):
    rows = rows_of()
    written(here / "data.csv", ["a", "b", "z"], rows)
    columns = {name: [row[place] for row in rows] for place, name in enumerate(["a", "b", "z"])}
    pq.write_table(pa.table(columns), here / "data.parquet")
    text, binary = (draw(recipe(f"data.{kind}", columns=Columns(target=("z",)))) for kind in ("csv", "parquet"))
    np.testing.assert_array_equal(values_of(text), values_of(binary))
    assert text.hashes["data"] == binary.hashes["data"]


def test_parquet_has_whole_numbers_yes_and_no_and_nothing(here):
    columns = {"n": pa.array(range(12), pa.int32()), "yes": [True, False] * 6, "word": ["a"] * 12, "z": range(12)}
    pq.write_table(pa.table(columns), here / "data.parquet")
    problem = draw(recipe("data.parquet", columns=Columns(target=("z",)))).problem
    assert [quantity.symbol for quantity in problem.inputs] == ["n", "yes"]
    np.testing.assert_array_equal(problem.table.inputs[:2], [[0, 1], [1, 0]])
    columns["n"] = pa.array([None, *range(11)], pa.int32())
    pq.write_table(pa.table(columns), here / "data.parquet")
    refused(["1 missing values", "n in row 0"], "data.parquet", target=("z",))


def test_parquet_without_its_reader_names_the_extra(here, monkeypatch):
    pq.write_table(pa.table({"a": range(12), "z": range(12)}), here / "data.parquet")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    refused(["needs pyarrow", "pip install 'parity[parquet]'"], "data.parquet", target=("z",))


def test_a_table_is_judged_by_its_own_held_out_rows(table):
    start = draw(recipe(table, columns=Columns(target=("z",))))
    assert (len(start.train_truth.targets), len(start.truth.targets)) == (34, 6)
    assert start.test is start.truth
    both = np.concatenate([start.truth.inputs, start.train_truth.inputs])
    assert sorted(map(tuple, both)) == sorted(map(tuple, values_of(start)[:, :2]))


def test_a_small_table_is_taken_at_once_and_a_large_one_in_batches(here):
    written(here / "small.csv", ["a", "z"], [row[1:] for row in rows_of(4000)])
    written(here / "large.csv", ["a", "z"], [row[1:] for row in rows_of(4001)])
    small, large = (recipe(name, columns=Columns(target=("z",))) for name in ("small.csv", "large.csv"))
    assert (small.rows, small.batch_size, small.steps) == (4000, None, 3000)
    assert (large.rows, large.batch_size) == (4001, 256)


# Words of the command line, and the columns they mean, of a table with a, b, "flow, in", T (K) and z=2.
NAMES = ["a", "b", "flow, in", "T (K)", "z=2"]
SPELLED = [
    (["--target", "a"], Columns(("b", "flow, in", "T (K)", "z=2"), ("a",))),
    (["--inputs", "a,b", "--target", "z=2"], Columns(("a", "b"), ("z=2",))),
    (["--inputs", "a", "b", "--target", "z=2"], Columns(("a", "b"), ("z=2",))),
    (["--inputs", "b, T (K)", "--target", "a"], Columns(("b", "T (K)"), ("a",))),
    (["--inputs", "flow, in", "b", "--target", "a"], Columns(("flow, in", "b"), ("a",))),
    (["--inputs", '"flow, in",b', "--target", "a"], Columns(("flow, in", "b"), ("a",))),
    (["--inputs", "a", "--target", "b,T (K)"], Columns(("a",), ("b", "T (K)"))),
    (
        ["--inputs", "a,b", "--target", "T (K)", "--log", "a,T (K)", "--units", "a=m/s,T (K)=K"],
        Columns(("a", "b"), ("T (K)",), ("a", "T (K)"), ("a=m/s", "T (K)=K")),
    ),
    (
        ["--inputs", "flow, in", "--target", "z=2", "--units", "flow, in=kg, dry", "z=2=1/s"],
        Columns(("flow, in",), ("z=2",), (), ("flow, in=kg, dry", "z=2=1/s")),
    ),
]


@pytest.fixture(scope="module")
def named(tmp_path_factory):
    return written(tmp_path_factory.mktemp("named") / "named.csv", NAMES, np.random.default_rng(1).random((20, 5)) + 1)


@pytest.mark.parametrize(("words", "columns"), SPELLED, ids=[" ".join(words) for words, _ in SPELLED])
def test_columns_are_spelled_in_options_and_in_a_file(words, columns, named, tmp_path):
    start = draw(parse_run([str(named), *words]).experiment)
    assert start.experiment.columns == columns
    assert tuple(quantity.symbol for quantity in start.problem.inputs) == columns.inputs
    assert {q.symbol for q in (*start.problem.inputs, *start.problem.outputs) if q.log} == set(columns.log)
    places = [NAMES.index(name) for name in (*columns.inputs, *columns.target)]
    np.testing.assert_array_equal(
        values_of(start), np.loadtxt(named, delimiter=",", skiprows=1, quotechar='"')[:, places]
    )
    write_experiment(tmp_path / "experiment.toml", start.experiment)
    assert draw(read_experiment(tmp_path / "experiment.toml")).hashes == start.hashes
    assert experiment_from({"problem": str(named), "columns": table_of(start.experiment)["columns"]}, "here") == (
        recipe(str(named), columns=columns)
    )


def test_units_belong_to_their_columns(named):
    words = Columns(("a", "flow, in"), ("z=2",), units=("a=m/s,z=2=1/s", "flow, in=kg, dry"))
    problem = draw(recipe(str(named), columns=words)).problem
    assert [quantity.unit for quantity in (*problem.inputs, *problem.outputs)] == ["m/s", "kg, dry", "1/s"]


def refused(told, name="data.csv", **columns):
    with pytest.raises(InputError) as error:
        draw(recipe(name, columns=Columns(**columns)))
    assert [part for part in told if part not in str(error.value)] == [], str(error.value)


Z = {"target": ("z",)}
CHOICES = [
    ({}, ["the columns a, b, z", "--target NAME"]),
    ({"target": ("zz",)}, ["target names 'zz'", "Did you mean z?"]),
    ({"target": ("Z",)}, ["target names 'Z'", "Did you mean z?"]),
    ({"inputs": ("a,c",), **Z}, ["inputs names 'c'", "no such column", "Known: a, b, z"]),
    ({"inputs": ("a,z",), **Z}, ["z is among inputs and target"]),
    ({"inputs": ("a,a",), **Z}, ["inputs names a more than once"]),
    ({"inputs": ("a",), "log": ("b",), **Z}, ["log names b", "neither input nor target", "a, z"]),
    ({"inputs": ("a",), "units": ("b=m",), **Z}, ["units names b", "neither input nor target"]),
    ({"units": ("m/s",), **Z}, ["units has 'm/s'", "COLUMN=UNIT"]),
    ({"units": ("c=m",), **Z}, ["units has 'c=m'", "'c' is no column"]),
    ({"units": ("a=m,a=s",), **Z}, ["units names 'a' more than once"]),
]


@pytest.mark.parametrize(("columns", "told"), CHOICES, ids=[str(columns) for columns, _ in CHOICES])
def test_columns_that_are_not_there_are_quoted(columns, told, table):
    refused(told, **columns)


def with_cell(row, column, value):
    rows = rows_of()
    rows[row][column] = value
    return rows


CELLS = [
    (with_cell(6, 1, ""), ["1 missing values, in 1 of its 40 rows", "b in row 6 (line 8)", "Nothing is dropped"]),
    (with_cell(6, 1, "NaN"), ["1 missing values", "b in row 6 (line 8)"]),
    ([[row[0], "", row[2]] for row in rows_of()], ["40 missing values", "row 4 (line 6) and 35 more"]),
    (with_cell(3, 0, "12,5"), ["column a has '12,5' in row 3 (line 5)", "decimal point, 12.5"]),
    (
        with_cell(3, 0, "n. a."),
        [
            "column a has 'n. a.' in row 3 (line 5)",
            "1 of its 40 cells are no numbers; mend them, or leave the column out",
        ],
    ),
    (with_cell(3, 0, "1_000"), ["column a has '1_000' in row 3 (line 5)"]),
    (with_cell(2, 2, "-inf"), ["column z has 1 infinite values", "-inf in row 2 (line 4)"]),
    ([[3.0, *row[1:]] for row in rows_of()], ["column a is 3 in all 40 rows", "--inputs 'b'"]),
    ([[*row[:2], 3.0] for row in rows_of()], ["column z is 3 in all 40 rows", "nothing to learn"]),
    (with_cell(4, 2, -2.5), ["column z is to be seen as its logarithm", "the first -2.5 in row 4 (line 6)"]),
    (with_cell(4, 2, 0.0), ["1 values that are not above 0, the first 0.0"]),
    (rows_of(9), ["has 9 rows", "at least 10"]),
]


@pytest.mark.parametrize(("rows", "told"), CELLS, ids=[told[0] for _, told in CELLS])
def test_cells_that_can_not_be_learned_are_told(rows, told, here):
    written(here / "data.csv", ["a", "b", "z"], rows, delimiter=";")
    refused(told, log=("z",), **Z)


def test_words_are_no_input_unless_they_are_named(here):
    written(here / "data.csv", ["a", "note", "z"], [[row[0], "calm", row[2]] for row in rows_of()])
    assert draw(recipe("data.csv", columns=Columns(**Z))).experiment.columns.inputs == ("a",)
    refused(
        ["column note has 'calm' in row 0 (line 2)", "code them in numbers, or leave the column out"],
        inputs=("note",),
        **Z,
    )


BODY = "".join(f"{a},{b},{z}\n" for a, b, z in rows_of())
FILES = [
    (b"", ["data.csv is empty"]),
    (b"\n \n", ["data.csv is empty"]),
    (b"a,b,z\n", ["has 0 rows"]),
    (BODY.encode(), ["has no header", "Put a line with the columns' names", "x0,x1,x2"]),
    (("a,a,z\n" + BODY).encode(), ["more than one column 'a'"]),
    (("a,,z\n" + BODY).encode(), ["no name for column 2 of 3", "index=False"]),
    (("a,b,z\n1,2\n" + BODY).encode(), ["2 cells on line 2: 1, 2", "expected 3", "a, b, z"]),
    (("a,b,z\n" + BODY + "1,2,3,4\n").encode(), ["4 cells on line 42"]),
    (('a,b,z\n"1,2,3\n' + BODY).encode(), ["can't be read on line", "quotation mark"]),
    (('a,b,"z\n' + BODY).encode(), ["can't be read from its header on", "quotation mark"]),
    (b"a,z\n1," + b"2" * 200_000, ["can't be read from its header on: field larger than"]),
    (bytes(range(256)) * 8, ["data.csv is binary"]),
    (b"PK\x03\x04" + bytes(60), ["workbook or an archive", "save it as CSV"]),
    (("a,b,z\n" + BODY).encode("utf-16"), ["data.csv is UTF-16"]),
    (("a,\xb0C,z\n" + BODY).encode("latin-1"), ["not UTF-8: line 1 has the byte 0xb0"]),
    (b"PAR1 and no more", ["can't be read as Parquet"]),
]


@pytest.mark.parametrize(("content", "told"), FILES, ids=[told[0] for _, told in FILES])
def test_a_file_that_is_no_table_is_told(content, told, here):
    (here / "data.csv").write_bytes(content)
    refused(told, **Z)


def test_blank_lines_are_no_rows(here):
    (here / "data.csv").write_text("\n" + "a,b,z\n" + BODY.replace("\n", "\n\n"), encoding="utf-8")
    assert draw(recipe("data.csv", columns=Columns(**Z))).experiment.rows == 40
    (here / "data.csv").write_text("a,b,z\n\n" + BODY + "1,,3\n", encoding="utf-8")
    refused(["b in row 40 (line 43)"], **Z)


def test_blanks_may_stand_between_the_cells(here):
    text = "a  b   z\n" + BODY.replace(",", "   ")
    (here / "data.txt").write_text(text, encoding="utf-8")
    np.testing.assert_array_equal(values_of(draw(recipe("data.txt", columns=Columns(**Z)))), rows_of())


@pytest.mark.parametrize("text", ["T (K)\n300\n310.5\n", '"flow, in"\n300\n310.5\n', "T\n300\n310.5\n"])
def test_one_column_may_have_blanks_in_its_name(text, here):
    (here / "data.csv").write_text(text, encoding="utf-8")
    ((name, column),) = read("data.csv").columns.items()
    assert name == text.splitlines()[0].strip('"')
    np.testing.assert_array_equal(column.values, [300, 310.5])


@pytest.mark.parametrize("words", [["--help"], ["-h", "--target=zz"]])
def test_help_is_given_before_columns_are_chosen(words, table, capsys):
    with pytest.raises(SystemExit) as left:
        main(["run", table, *words])
    assert left.value.code == 0
    told = capsys.readouterr().out
    # Options, and what a table of 40 rows starts with.
    assert [part for part in ("--target", "--epochs", "3000", "--rows", "40", "tanh") if part not in told] == []


USAGE = [
    (["data.cvs", "--target=z"], ["There is no file 'data.cvs'", "Did you mean data.csv?"]),
    (["nowhere/data.csv", "--target=z"], ["There is no file"]),
    (["data.csv", "--target=z", "--rows=20"], ["rows is 20, but data.csv has 40", "Leave --rows out"]),
    (["paraboloid", "--inputs=x"], ["for a table of one's own", "parity problems paraboloid"]),
    (["data.csv"], ["the columns a, b, z"]),
    ([".", "--target=z"], ["has a table and no split", "train.txt and test.txt", "data.csv"]),
]


@pytest.mark.parametrize(("arguments", "told"), USAGE, ids=[" ".join(arguments) for arguments, _ in USAGE])
def test_wrong_usage_is_quoted(arguments, told, table, here, capsys):
    before = contents(here)
    assert main(["run", *arguments, *QUICK, "--out=run"]) == 2
    error = capsys.readouterr().err
    assert [part for part in told if part not in error] == [], error
    assert contents(here) == before


def indexed(folder, train, test, k=None):
    folder.mkdir(exist_ok=True)
    written(folder / "data.csv", ["a", "b", "z"], rows_of())
    names = ("train", "test") if k is None else (f"index_train_{k}", f"index_test_{k}")
    for name, rows in zip(names, (train, test), strict=True):
        (folder / f"{name}.txt").write_text("".join(f"{row}\n" for row in rows), encoding="utf-8")


def test_a_folder_says_which_rows_are_held_out(here):
    # Some rows are in neither.
    indexed(here / "folder", range(5, 30), [0, 2, 4])
    start = draw(recipe("folder", columns=Columns(**Z)))
    np.testing.assert_array_equal(start.truth.targets, values_of(start)[[0, 2, 4], 2:])
    np.testing.assert_array_equal(start.train_truth.targets, values_of(start)[5:30, 2:])
    assert (start.experiment.rows, start.experiment.train_rows, start.experiment.split_seed) == (28, 25, 0)


@settings(deadline=None)
@given(train=st.integers(2, 5000), test=st.integers(2, 5000))
def test_a_share_gives_back_the_rows_it_was_made_of(train, test):
    split = Split(np.arange(train), np.arange(test))
    assert recipe("paraboloid", rows=split.rows, held_out=split.share).train_rows == train


INDICES = [
    (range(5, 30), [0, 40], ["test.txt names row 40", "40 rows", "0 to 39"]),
    (range(5, 30), [0, -1], ["test.txt names row -1"]),
    (range(5, 30), [0, 5, 7], ["train.txt and test.txt share 2 rows, the first 5"]),
    ([5, 6, 6], [0, 1], ["train.txt names row 6 2 times"]),
    (range(5, 30), [], ["test.txt holds 0 row numbers"]),
    (range(5, 30), [0, 1.5], ["test.txt holds '1.5'", "whole numbers"]),
    (range(5, 30), [0, "one"], ["test.txt holds 'one'"]),
]


@pytest.mark.parametrize(("train", "test", "told"), INDICES, ids=[told[0] for *_, told in INDICES])
def test_index_files_that_do_not_fit_are_quoted(train, test, told, here):
    indexed(here / "folder", train, test)
    refused(told, "folder", **Z)


def test_a_missing_index_file_is_named(here):
    indexed(here / "folder", range(5, 30), [0, 1])
    (here / "folder" / "test.txt").unlink()
    refused(["test.txt is missing", "1 of 2"], "folder", **Z)
    (here / "folder" / "train.txt").unlink()
    (here / "folder" / "index_train_2.txt").write_text("1\n2\n", encoding="utf-8")
    refused(["index_train_0.txt is missing", "5 of 6"], "folder", **Z)
    (here / "folder" / "data.csv").unlink()
    refused(["folder has no table", "data.csv, data.parquet, data.txt"], "folder", **Z)


def test_shares_of_a_given_split_can_not_be_changed(here):
    indexed(here / "folder", range(5, 30), [0, 1])
    with pytest.raises(InputError, match=r"held_out 0\.3.* Leave --rows and --held-out out"):
        draw(recipe("folder", columns=Columns(**Z), held_out=0.3))


@pytest.fixture
def benchmark_folder(here):
    """The layout of the UCI regression benchmark: target first, a column that nobody uses, numbers as NumPy writes them."""
    folder = here / "concrete"
    folder.mkdir()
    rows = np.array([[z, 7.0, a, b] for a, b, z in rows_of()])
    np.savetxt(folder / "data.txt", rows)
    np.savetxt(folder / "index_features.txt", [3, 2])
    np.savetxt(folder / "index_target.txt", [0])
    np.savetxt(folder / "n_splits.txt", [3])
    for k in range(3):
        permutation = np.random.default_rng(k).permutation(40)
        np.savetxt(folder / f"index_train_{k}.txt", permutation[4:])
        np.savetxt(folder / f"index_test_{k}.txt", permutation[:4])
    return rows


def test_the_benchmarks_layout_is_read(benchmark_folder):
    start = draw(recipe("concrete", split_seed=2))
    assert start.experiment.columns == Columns(("x0", "x1"), ("y",))
    held_out = np.random.default_rng(2).permutation(40)[:4]
    np.testing.assert_array_equal(start.truth.inputs, benchmark_folder[held_out][:, [3, 2]])
    np.testing.assert_array_equal(start.truth.targets[:, 0], benchmark_folder[held_out, 0])
    with pytest.raises(InputError, match=r"split_seed is 2 and splits 2, but concrete has 3 splits, 0 to 2"):
        draw(recipe("concrete", split_seed=2, splits=2))


def test_the_command_runs_a_table_and_repeats_it(table, here):
    options = ("--target=z", "--log=a", "--epochs=20", "--contender=numpy:float32", "--reference=numpy:float64")
    done = parity("run", table, *options, cwd=here)
    assert done.returncode == 0, done.stderr
    (folder,) = (here / "runs").iterdir()
    assert folder.name.startswith("data-")
    record = json.loads((folder / "result.json").read_text())
    assert record["verdict"] == "equivalent"
    assert "On data.csv" in record["summary"]
    # The processes that time it have read the same rows.
    assert all(record["throughput"].values())
    assert record["experiment"]["table_sha256"] == draw(recipe(table, columns=Columns(**Z))).experiment.table_sha256
    again = draw(read_experiment(folder / "experiment.toml"))
    assert dict(again.hashes) == record["start"]
    assert record["experiment"]["columns"] == {"inputs": ["a", "b"], "target": ["z"], "log": ["a"], "units": []}


def test_a_run_is_not_repeated_on_a_table_that_has_changed(table, here, capsys):
    experiment = draw(recipe(table, columns=Columns(**Z), epochs=20)).experiment
    write_experiment(here / "experiment.toml", experiment)
    # Of the same size in the same place: the last digit of a target is another one.
    text = (here / table).read_text()
    (here / table).write_text(text.rstrip()[:-1] + ("3" if text.rstrip()[-1] != "3" else "4") + "\n", newline="")
    assert main(["run", "experiment.toml", *QUICK, "--out=run"]) == 2
    told = " ".join(capsys.readouterr().err.split())
    changed = draw(recipe(table, columns=Columns(**Z))).experiment.table_sha256
    assert f"its SHA-256 is {changed}, and the record says {experiment.table_sha256}" in told
    assert not (here / "run").exists()


def test_a_folder_is_run_and_a_runs_folder_is_a_run(here, capsys):
    indexed(here / "folder", range(5, 40), range(5))
    assert main(["run", "folder", "--target=z", *QUICK, "--out=run"]) == 0
    assert parse_run(["run"]).experiment == read_experiment(here / "run" / "experiment.toml")
    assert parse_run(["run"]).experiment.problem == "folder"


def test_the_airfoil_has_the_noise_that_it_says(here):
    module = runpy.run_path(str(AIRFOIL))
    module["main"]()
    rows = np.loadtxt(here / "airfoil.csv", delimiter=",", skiprows=1)
    level = np.array([module["level"](*row[:5]) for row in rows])
    # Rounding of what is written adds less than 0.01 dB.
    assert (rows[:, 5] - level).std() == pytest.approx(module["NOISE"], rel=0.1)
    assert abs((rows[:, 5] - level).mean()) < 0.05
    start = draw(recipe("airfoil.csv", columns=Columns(target=("SPL_dB",), log=("frequency_Hz,displacement_m",))))
    assert len(start.problem.inputs) == 5


def test_a_table_is_diagnosed(table, here):
    done = parity("diagnose", table, "--target=z", "--epochs=100", "--seconds=0.01", "--json", cwd=here)
    assert done.returncode in (0, 1), done.stderr
    assert json.loads(done.stdout)["program"] == "data.csv"
