"""A folder with a table and the row numbers of its splits.

Two layouts: `data.csv` (or `data.parquet`, `data.txt`) with `train.txt` and `test.txt`; and that of the UCI regression
benchmark of Hernandez-Lobato and Adams 2015 (arXiv:1502.05336), as Gal and Ghahramani 2016 (arXiv:1506.02142) keep it:
`data.txt` without a header, `index_features.txt`, `index_target.txt`, and `index_train_K.txt`, `index_test_K.txt` for K from 0
on.
"""

from pathlib import Path

from parity.contract import InputError, require
from parity.tables.indices import whole_numbers

DATA = ("data.csv", "data.parquet", "data.txt")
FEATURES, TARGET, SPLITS = "index_features.txt", "index_target.txt", "n_splits.txt"
TRAIN, TEST = "train.txt", "test.txt"

Pair = tuple[Path, Path]


def data_file(folder: Path) -> Path:
    """The file with the rows."""
    found = [folder / name for name in DATA if (folder / name).is_file()]
    require(
        len(found) == 1,
        f"{folder} has {' and '.join(path.name for path in found) or 'no table'}; expected one of {', '.join(DATA)} (or, "
        "for the folder of a run, experiment.toml).",
    )
    return found[0]


def index_files(folder: Path) -> list[Pair]:
    """Files of training rows and of held-out rows, a pair a split; InputError where one is missing."""
    numbered = _numbered(folder)
    alone = any((folder / name).exists() for name in (TRAIN, TEST))
    require(
        bool(numbered) or alone,
        f"{folder} has a table and no split; expected {TRAIN} and {TEST}, or index_train_0.txt and index_test_0.txt and so on, "
        f"with row numbers counted from 0. To split by a seed instead, name the file: {data_file(folder)}.",
    )
    require(
        not (numbered and alone), f"{folder} has both {TRAIN} or {TEST} and numbered splits; expected one or the other."
    )
    pairs = numbered or [(folder / TRAIN, folder / TEST)]
    missing = [path for pair in pairs for path in pair if not path.is_file()]
    if missing:
        raise InputError(
            f"{missing[0]} is missing: each split needs rows to train on and rows that are held out "
            f"({len(missing)} of {2 * len(pairs)} index files are not there)."
        )
    return pairs


def has_no_header(folder: Path) -> bool:
    """Whether it is of the benchmark's layout."""
    return (folder / FEATURES).is_file()


def named_columns(folder: Path, width: int) -> tuple[dict[str, int], dict[str, int]]:
    """Places of the inputs, named x0, x1, ..., and of the targets, y or y0, y1, ..., in a table without a header."""
    features, targets = (_places(folder / name, width) for name in (FEATURES, TARGET))
    both = sorted(set(features) & set(targets))
    require(not both, f"{folder / FEATURES} and {TARGET} share column {both}; expected a column on one side.")
    names = ["y"] if len(targets) == 1 else [f"y{place}" for place in range(len(targets))]
    return {f"x{number}": place for number, place in enumerate(features)}, dict(zip(names, targets, strict=True))


def _places(path: Path, width: int) -> list[int]:
    places: list[int] = whole_numbers(path).tolist()
    require(bool(places), f"{path} is empty; expected numbers of columns, counted from 0.")
    for place in places:
        require(
            0 <= place < width,
            f"{path} names column {place}, and the table has {width}; expected 0 to {width - 1}, counted from 0.",
        )
    return places


def _numbered(folder: Path) -> list[Pair]:
    """As many pairs as `n_splits.txt` says, or as the highest number among them."""
    numbers = [
        int(path.stem.rsplit("_", 1)[1])
        for side in ("train", "test")
        for path in folder.glob(f"index_{side}_*.txt")
        if path.stem.rsplit("_", 1)[1].isdigit()
    ]
    if not numbers:
        return []
    said = whole_numbers(folder / SPLITS) if (folder / SPLITS).is_file() else [max(numbers) + 1]
    return [
        (folder / f"index_train_{number}.txt", folder / f"index_test_{number}.txt")
        for number in range(max(int(said[0]), max(numbers) + 1))
    ]
