"""A table of one's own as a problem, and the recipe that such a table starts with."""

from dataclasses import replace
from math import ceil

from parity.columns import Columns
from parity.contract import MLP, Adam, Cosine, Data, Optimizer, Schedule, require
from parity.experiment import Experiment
from parity.problems.problem import Problem, Quantity
from parity.tables import Split, Table, check_learnable, chosen, read
from parity.tables.choice import units_of

FEWEST_ROWS = 10
"""A split of fewer leaves hardly a row to judge by."""
FULL_BATCH_ROWS = 4_000
"""Up to so many rows all are taken at once."""
FULL_BATCH_EPOCHS = 3_000
BATCH_SIZE, BATCH_STEPS = 256, 10_000
"""Beyond: rows of a batch, and steps that the recipe makes at least."""


def table_recipe(name: str, columns: Columns, sha256: str = "") -> Experiment:
    """What a table starts with: columns spelled out, all rows, its first split where it has some.

    InputError where the file is not the one with this SHA-256: a run is repeated from its record on the same rows or not at
    all, since results of other rows under the old record's name would be taken for a repetition. "" takes any file.
    """
    table = _read(name, sha256)
    return _recipe(table, _checked(table, columns))


def unchecked_table_recipe(name: str, columns: Columns) -> Experiment:
    """What a table starts with, columns as they are given, for a page of options that is to help in choosing them."""
    return _recipe(_read(name), columns)


def settled_table(experiment: Experiment) -> tuple[Experiment, Problem]:
    """The experiment with what its table says, and the problem that the table is."""
    table = _read(experiment.problem, experiment.table_sha256)
    columns = _checked(table, experiment.columns)
    recipe = _recipe(table, columns)
    said = replace(experiment, columns=columns, table_sha256=table.sha256)
    if not table.splits:
        require(
            experiment.rows == recipe.rows,
            f"rows is {experiment.rows}, but {table.name} has {recipe.rows}; a table is taken whole. Leave --rows out.",
        )
        return said, _problem(table, recipe, None)
    _check_splits(table, experiment)
    split = table.splits[experiment.split_seed]
    shares = [(each.rows, each.share) for each in table.splits]
    require(
        (experiment.rows, experiment.held_out) in shares,
        f"rows is {experiment.rows} and held_out {experiment.held_out!r}, but the index files of {table.name} say which "
        f"rows are trained on and which held out, {len(split.train)} and {len(split.held_out)}. Leave --rows and --held-out "
        "out.",
    )
    return _with_rows_of(said, split), _problem(table, recipe, split)


def training(rows: int) -> tuple[Optimizer, Schedule]:
    """How a table of so many training rows is learned."""
    return Adam(learning_rate=1e-2), Cosine()


def _checked(table: Table, columns: Columns) -> Columns:
    spelled = chosen(table, columns)
    check_learnable(table, spelled)
    return spelled


def _read(name: str, sha256: str = "") -> Table:
    """The table; InputError where it has too few rows to learn from, or another hash than one that is given."""
    table = read(name)
    require(
        table.rows >= FEWEST_ROWS,
        f"{name} has {table.rows} rows; expected at least {FEWEST_ROWS}, to train on and to judge by.",
    )
    require(
        sha256 in ("", table.sha256),
        f"{table.name} has changed since the run that is repeated: its SHA-256 is {table.sha256}, and the record says "
        f"{sha256}. Bring back the file; or, to run on what it holds now, take table_sha256 out of the record.",
    )
    return table


def _recipe(table: Table, columns: Columns) -> Experiment:
    rows, held_out = (table.splits[0].rows, table.splits[0].share) if table.splits else (table.rows, 0.15)
    optimizer, schedule = training(rows - ceil(rows * held_out))
    whole = rows <= FULL_BATCH_ROWS
    return Experiment(
        problem=table.name,
        columns=columns,
        table_sha256=table.sha256,
        rows=rows,
        held_out=held_out,
        # Splits that are given are counted; others are drawn.
        split_seed=0 if table.splits else 42,
        model=MLP(hidden=(24, 24), activation="tanh"),
        optimizer=optimizer,
        schedule=schedule,
        epochs=FULL_BATCH_EPOCHS if whole else ceil(BATCH_STEPS * BATCH_SIZE / rows),
        batch_size=None if whole else BATCH_SIZE,
    )


def _check_splits(table: Table, experiment: Experiment) -> None:
    """InputError unless the splits that are asked for are there, and take as many steps."""
    first, last, count = experiment.split_seed, experiment.split_seed + experiment.splits - 1, len(table.splits)
    require(
        last < count,
        f"split_seed is {first} and splits {experiment.splits}, but {table.name} has {count} splits, 0 to {count - 1}; "
        f"expected the last, {last}, to be one of them.",
    )
    steps = {_with_rows_of(experiment, each).steps for each in table.splits[first : last + 1]}
    require(
        len(steps) == 1,
        f"The splits of {table.name} have training rows for {' and '.join(map(str, sorted(steps)))} steps; expected as many in "
        "each, since they are trained by one schedule. Take all rows at once: --batch-size None.",
    )


def _with_rows_of(experiment: Experiment, split: Split) -> Experiment:
    return replace(experiment, rows=split.rows, held_out=split.share)


def _problem(table: Table, recipe: Experiment, split: Split | None) -> Problem:
    columns = recipe.columns
    inputs, outputs = (_quantities(table, columns, names) for names in (columns.inputs, columns.target))
    return Problem(
        name=table.name,
        title=f"{', '.join(columns.target)} from {', '.join(columns.inputs)}",
        about=f"A table of {table.rows} rows.",
        inputs=inputs,
        outputs=outputs,
        truth=None,
        source=f"{table.name}, SHA-256 {table.sha256}",
        recipe=recipe,
        table=Data(table.stacked(columns.inputs), table.stacked(columns.target)),
        given_split=None if split is None else (split.held_out, split.train),
    )


def _quantities(table: Table, columns: Columns, names: tuple[str, ...]) -> tuple[Quantity, ...]:
    units = units_of(columns)
    return tuple(
        Quantity(
            symbol=name,
            meaning=f"column {name}",
            unit=units.get(name, ""),
            low=float(table.columns[name].values.min()),
            high=float(table.columns[name].values.max()),
            log=name in columns.log,
        )
        for name in names
    )
