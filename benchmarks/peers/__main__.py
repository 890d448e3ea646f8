"""What a step costs in other libraries, and whether they train the same network: `python -m benchmarks.peers [PEER]...`

Each peer is compared with each of ours, and every comparison adds a row to results/peers.jsonl with its environment; what
stands there already, of these versions and these sources, is not done again. Then results/peers.md and results/peers.svg are
made of the rows. A peer that is not installed has its reason in its row: `pip install 'parity[peers]'`.
"""

import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from functools import cache

from benchmarks.peers import chart, rows, table
from benchmarks.peers.catalogue import OURS, PEERS, Entry
from benchmarks.peers.check import STEPS, Check
from benchmarks.peers.formulas import Formula
from benchmarks.peers.job import job
from benchmarks.peers.rows import FILE, Row
from benchmarks.peers.timing import Timed, compared
from benchmarks.peers.worker import PeerError, Worker, last_core
from parity.environment import describe
from parity.files import write_whole


def main(names: Sequence[str]) -> None:
    """Measure what is not there yet, and make the page and the picture."""
    # The processes of the peers are ended also where this one is.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    unknown = set(names) - {peer.name for peer in PEERS}
    if unknown:
        raise SystemExit(f"There is no peer {unknown.pop()!r}; expected {', '.join(peer.name for peer in PEERS)}.")
    core = last_core()
    check, environment = Check(job()), describe(["jax", "torch"])
    with ExitStack() as workers:

        @cache
        def warm(ours: Entry) -> Timed:
            return Timed(workers.enter_context(Worker(ours.name, core)))

        for peer in PEERS:
            if not names or peer.name in names:
                for row in compared_with_ours(peer, rows.read(), warm, check, core):
                    now = datetime.now(UTC).isoformat(timespec="seconds")
                    rows.add({**row, "time": now, "environment": environment})
                    print(table.sentence(row), flush=True)
    made = rows.read()
    drawn = chart.bars(made)
    write_whole(FILE.with_suffix(".md"), table.page(made).encode())
    if drawn:
        write_whole(FILE.with_suffix(".svg"), chart.svg("Microseconds a step", drawn).encode())
    print(f"kept in {FILE}, {FILE.with_suffix('.md')} and {FILE.with_suffix('.svg')}")


def compared_with_ours(
    peer: Entry, kept: Sequence[Row], warm: Callable[[Entry], Timed], check: Check, core: int
) -> Iterator[Row]:
    """A row for each of ours with which these versions and sources have none yet."""
    wanted = {ours: rows.identity(peer, ours) | {"class": peer.kind} for ours in OURS}
    left = {ours: row for ours, row in wanted.items() if not any(row.items() <= old.items() for old in kept)}
    if peer.missing:
        yield from ({**row, "reason": peer.missing} for row in left.values())
        return
    if not left:
        return
    references = {ours: warm(ours) for ours in left}
    try:
        with Worker(peer.name, core) as worker:
            told = worker.losses(STEPS)
            seen = {
                "peer_versions": peer.versions,
                "note": worker.note,
                "check": check.judged(told["losses"], told["span"], Formula(*told["formula"])),
            }
            timed = Timed(worker)
            for ours in list(left):
                yield {**left.pop(ours), **seen, **compared(timed, references[ours])}
    except PeerError as error:
        if error.name != peer.name:
            raise
        yield from ({**row, "reason": str(error)} for row in left.values())


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except KeyboardInterrupt:
        raise SystemExit("Ended; what was measured is kept, and the same command goes on from there.") from None
