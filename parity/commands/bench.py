"""`parity bench`: which is faster here, and how far from the limit."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import tyro
from rich.console import Console
from rich.markup import escape

from parity.bench import Bench, Options, all_contenders, compared, grid, show_changes, show_rows, svg, usable
from parity.commands.experiment import Kinds, parse
from parity.commands.status import EXIT_STATUS
from parity.compiled import compile_anew
from parity.contender import Contender
from parity.contract import InputError, require
from parity.experiment import Experiment
from parity.files import write_whole
from parity.report.terminal import Bars
from parity.throughput.audit import FLOOR
from parity.throughput.process import cores
from parity.throughput.rows import Row, read_rows

MAP = ("scan", "flat", "eager", "cuda_graph")
"""Modes on the map, where none are named: of each twin its default and its fastest."""
WIDTHS, BATCHES = (16, 256), (32, 256)
MANY_WIDTHS, MANY_BATCHES = (8, 16, 32, 64, 128, 256, 512, 1024), (1, 32, 256, 1024)
DEFAULT_BATCH = 32


@dataclass(frozen=True)
class BenchOptions:
    """Time every mode of both backends on one network, in turns, where the ladder shows that they do the same.

    Where nothing is named it makes a map: networks of several widths and batch sizes, and who is faster on each. What was
    measured is appended to a file, and not measured again: interrupted, the command goes on where it was.
    """

    experiment: Annotated[Experiment, tyro.conf.arg(name=""), tyro.conf.AvoidSubcommands]
    kinds: Annotated[Kinds, tyro.conf.arg(name="")]  # type: ignore[valid-type]
    widths: tuple[int, ...] = ()
    """Widths of the hidden layers to time, one after the other; the network's own where none is given."""
    batches: tuple[int, ...] = ()
    """Batch sizes to time, one after the other."""
    full: bool = False
    """All modes on all networks of a large map, and for each what comes before the steady state."""
    json: Path = Path("runs/bench.jsonl")
    """File that rows are appended to."""
    picture: Path | None = None
    """File for the map as a picture, SVG."""
    threads: int = 1
    """Cores that each process is pinned to."""
    pairs: int = 10
    """Rounds, each with a sample of every contender; an even number."""
    most_pairs: int | None = None
    """Up to so many, until what is seen to differ by the floor is told; four times as many, on the small map no more."""
    floor: float = FLOOR
    """Noise of the machine above which its figures are marked as not to be published, as a share."""
    again: bool = False
    """Measure also what stands in the file already."""
    cache: bool = True
    """Keep what is compiled, and take what was kept; what comes before the steady state is measured in either case."""
    compare: tuple[Path, ...] = ()
    """Two files of rows, an older and a newer, to compare instead of measuring; the exit status is 1 where one is slower."""


def main(arguments: list[str]) -> int:
    """`parity bench [PROBLEM, TABLE or FILE.toml] [OPTIONS]`."""
    options = parse(arguments, BenchOptions, "parity bench")
    console = Console()
    if options.compare:
        return _compare(options.compare, console)
    _check(options)
    if not options.cache:
        compile_anew()
    named = bool(arguments) and not arguments[0].startswith("-")
    mapped = not named and not options.widths and not options.batches
    rows = _mapped(options, console) if mapped else _timed(options, console)
    if options.picture is not None:
        write_whole(options.picture, svg(rows, "Which backend trains faster").encode())
    console.print(f"Kept in {escape(str(options.json))}", highlight=False, soft_wrap=True)
    return EXIT_STATUS["different"] if any(row.void and row.reference for row in rows) else 0


def _check(options: BenchOptions) -> None:
    require(
        options.pairs >= 10 and options.pairs % 2 == 0,
        f"pairs is {options.pairs}; expected an even number of at least 10: rounds go forwards and backwards in turn.",
    )
    require(
        options.most_pairs is None or options.most_pairs >= options.pairs,
        f"most-pairs is {options.most_pairs}; expected at least as many as pairs, {options.pairs}.",
    )
    require(options.threads >= 1, f"threads is {options.threads}; expected at least 1.")
    require(
        len(cores(options.threads)) in (0, options.threads),
        f"threads is {options.threads}, but this process may use {len(cores(options.threads))} cores; expected no more.",
    )
    require(options.floor > 0, f"floor is {options.floor}; expected a share above 0.")
    for name in ("widths", "batches"):
        require(
            all(value >= 1 for value in getattr(options, name)),
            f"{name} is {getattr(options, name)}; expected whole numbers of at least 1.",
        )


def _timed(options: BenchOptions, console: Console) -> list[Row]:
    """The networks asked for, in all modes and phases."""
    return _all(options, options.widths, options.batches, (), True, console)


def _mapped(options: BenchOptions, console: Console) -> list[Row]:
    """The map: small by default, full where asked for."""
    widths, batches = (MANY_WIDTHS, MANY_BATCHES) if options.full else (WIDTHS, BATCHES)
    return _all(options, widths, batches, () if options.full else MAP, options.full, console)


def _all(
    options: BenchOptions,
    widths: tuple[int, ...],
    batches: tuple[int, ...],
    modes: tuple[str, ...],
    phases: bool,
    console: Console,
) -> list[Row]:
    experiment = options.experiment
    if experiment.batch_size is None and not batches:
        experiment = replace(experiment, batch_size=DEFAULT_BATCH)
    contenders = all_contenders(experiment.contender, modes)
    most = options.pairs * (4 if phases else 1) if options.most_pairs is None else options.most_pairs
    timing = Options(options.threads, options.pairs, most, options.floor, phases)
    rows: list[Row] = []
    with Bench(options.json, timing, Bars(console), again=options.again) as bench:
        for each in grid(experiment, widths, batches):
            # On a map only what can run; of a network that is named, each mode, or why not.
            asked = usable(contenders, each) if modes else contenders
            require(
                bool(asked), f"None of {', '.join(map(str, contenders))} can train this network here; name another."
            )
            mine = bench.rows(each, asked, _reference(asked))
            show_rows(mine, console)
            rows += mine
    return rows


def _reference(contenders: list[Contender]) -> Contender:
    """PyTorch on the CPU in its default mode; without it the first."""
    torch = [contender for contender in contenders if (contender.backend, contender.device) == ("torch", "cpu")]
    return next((each for each in torch if each.mode == "eager"), contenders[0])


def _compare(paths: tuple[Path, ...], console: Console) -> int:
    if len(paths) != 2:
        raise InputError(f"compare has {len(paths)} files; expected two: the older and the newer.")
    changes = compared(*map(read_rows, paths))
    require(
        bool(changes),
        f"{paths[0]} and {paths[1]} have no contender and network in common; there is nothing to compare.",
    )
    show_changes(changes, console)
    return EXIT_STATUS["different"] if any(change.verdict == "slower" for change in changes) else 0
