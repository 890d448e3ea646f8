"""The results for people: a page of tables."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import Any

from benchmarks.faults.healthy import RUNGS

Row = dict[str, Any]


def page(record: Row) -> str:
    """All results as Markdown."""
    parts = [
        "# Planted faults, mutants and healthy runs",
        "`make faults` makes this page, and [faults.json](faults.json) with every row.",
        "## Rates",
        "Comparisons of one experiment resemble each other, so that healthy ones are counted, and only their experiments have "
        "an interval.",
        _table(["", "held", "of", "rate", "95 % interval"], _rates(record["rates"])),
        "## Planted faults",
        "Each in a copy of a twin, in experiments drawn so that it can show. Where the float64 oracle sees no change, the "
        "fault is equivalent, and not counted.",
        _table(
            ["place", "fault", "experiments", "caught", "at", "expected", "cause first", "expected"], _faults(record)
        ),
        "## Mutants of the PyTorch twin",
        _table(["file", "mutants", "equivalent", "caught", "survived", "error"], _mutants(record["mutants"])),
        _table(["caught by", "mutants"], _catchers(record["mutants"])),
        *_uncaught(record["mutants"]),
        "## Healthy runs",
        "Random correct runs; a rung that breaks is a false alarm. What had nothing to compare, or no limit, is not counted.",
        _table(["candidate", "rung", "comparisons", "alarms", "closest: gap / limit"], _healthy(record["healthy"])),
        *_errors(record["errors"]),
    ]
    return "\n\n".join(parts) + "\n"


def _table(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(str(cell).replace("|", "\\|") for cell in line) + " |" for line in lines)


def _rates(rates: dict[str, Row]) -> Iterator[Sequence[Any]]:
    for name, rate in rates.items():
        if rate["of"]:
            yield (
                name,
                rate["count"],
                rate["of"],
                _share(rate["rate"]),
                "-" if rate["low"] is None else f"{_share(rate['low'])} to {_share(rate['high'])}",
            )
        else:
            yield name, 0, 0, "-", "-"


def _share(value: float) -> str:
    return f"{100 * value:.4g} %"


def _faults(record: Row) -> Iterator[Sequence[Any]]:
    for fault, grouped in groupby(record["faults"], key=lambda row: row["fault"]):
        rows = list(grouped)
        changed = [row for row in rows if not row["equivalent"]]
        caught = f"{sum(row['detected'] for row in changed)} of {len(changed)}" if changed else "equivalent"
        first = [row["causes"][0] if row["causes"] else "-" for row in changed]
        yield (
            rows[0]["place"],
            f"`{fault}` {rows[0]['text']}",
            len(rows),
            caught,
            _listed(row["rung"] or "-" for row in changed),
            rows[0]["expected_rung"],
            _listed(first),
            " or ".join(rows[0]["expected_cause"]),
        )


def _listed(values: Iterable[str]) -> str:
    return ", ".join(dict.fromkeys(values))


def _mutants(rows: Sequence[Row]) -> Iterator[Sequence[Any]]:
    for file in [*dict.fromkeys(row["file"] for row in rows), "all"]:
        outcomes = [row["outcome"] for row in rows if file in (row["file"], "all")]
        yield file, len(outcomes), *(outcomes.count(name) for name in ("equivalent", "caught", "survived", "error"))


def _catchers(rows: Sequence[Row]) -> Iterator[Sequence[Any]]:
    by = [row["by"].split(",")[0] for row in rows if row["outcome"] == "caught"]
    yield from sorted(((name, by.count(name)) for name in set(by)), key=lambda pair: -pair[1])


def _uncaught(rows: Sequence[Row]) -> Iterator[str]:
    for outcome, heading in (("survived", "Those that survived:"), ("error", "Those in which Parity raised an error:")):
        found = [row for row in rows if row["outcome"] == outcome]
        if found:
            yield heading
            told = ([f"{r['file']}:{r['line']}", r["operator"], f"`{r['before']}`", f"`{r['after']}`"] for r in found)
            texts = ([" ".join(r["by"].split())] if outcome == "error" else [] for r in found)
            columns = ["line", "operator", "before", "after", *(["error"] if outcome == "error" else [])]
            yield _table(columns, map(list.__add__, told, texts))


def _errors(rows: Sequence[Row]) -> Iterator[str]:
    if rows:
        yield "## Jobs that ended in an error"
        yield _table(["part", "job", "error"], ([r["part"], r["job"], " ".join(r["error"].split())] for r in rows))


def _healthy(rows: Sequence[Row]) -> Iterator[Sequence[Any]]:
    for candidate in sorted({row["candidate"] for row in rows}):
        for rung in RUNGS:
            mine = [row for row in rows if (row["candidate"], row["rung"]) == (candidate, rung) and row["compared"]]
            closest = max((row["gap"] / row["limit"] for row in mine if row["gap"] and row["limit"]), default=0.0)
            yield candidate, rung, len(mine), sum(row["alarm"] for row in mine), f"{closest:.2g}"
