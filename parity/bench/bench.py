"""One network after the other: prove, audit, time in turns, and append a row a contender."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

from parity.bench.field import network_of, told, unusable
from parity.bench.proof import proven
from parity.bench.timing import Options, Timing
from parity.bench.warming import Warming
from parity.contender import Contender
from parity.environment import describe
from parity.experiment import Experiment
from parity.progress import Watcher
from parity.records import table_of
from parity.start import Start, draw
from parity.throughput.conditions import load
from parity.throughput.process import Workers
from parity.throughput.rows import SCHEMA, Row, append, read_rows
from parity.throughput.work import work_of

IDIOMATIC = "idiomatic"


class Bench:
    """Timings that go on where they were ended: what stands in the file is not measured again."""

    def __init__(self, path: Path, options: Options, watcher: Watcher, again: bool = False) -> None:
        self._path = path
        self._options = options
        self._watcher = watcher
        self._workers = Workers(options.threads)
        rows = [] if again or not path.exists() else read_rows(path)
        # What could not be timed may be by now: there is a compiler, or more memory.
        self._known = {row.key: row for row in rows if not row.void}

    def __enter__(self) -> "Bench":
        return self

    def __exit__(self, *_: object) -> None:
        self._workers.close()

    def rows(self, experiment: Experiment, contenders: Sequence[Contender], reference: Contender) -> list[Row]:
        """A row a contender, the reference in front."""
        if self._workers.closed:  # By what went wrong in an earlier call.
            self._workers = Workers(self._options.threads)
        start = draw(experiment)
        asked = list(dict.fromkeys([reference, *contenders]))
        bare = {contender: self._bare(start, contender, reference) for contender in asked}
        missing = {contender: row for contender, row in bare.items() if row.key not in self._known}
        if missing:
            before = self._known.get(bare[reference].key)
            for row in self._measured(start, missing, reference, before):
                append(self._path, [row])
                self._known[row.key] = row
        return [self._known[row.key] for row in bare.values()]

    def _measured(
        self, start: Start, bare: dict[Contender, Row], reference: Contender, before: Row | None
    ) -> Iterator[Row]:
        """Rows as they are measured; those that can't be are void, each with its reason."""
        reasons = {contender: unusable(contender, start.config) for contender in bare}
        if why := unusable(reference, start.config):
            reasons = {contender: each or f"the reference can't run: {why}" for contender, each in reasons.items()}
        usable = [contender for contender in bare if not reasons[contender]]
        with Warming(start, self._options.threads, self._workers) as warming:
            timing = Timing(start, reference, self._options, warming)
            timing.begin(usable)
            # Of those that were compared, and not of those that can't run, it is said with what.
            compared = proven(start.experiment, reference, usable, self._watcher)
            reasons |= compared
            for contender, row in bare.items():
                if reasons[contender]:
                    yield replace(
                        row, void=reasons[contender], reference=str(reference) if contender in compared else ""
                    )
            sound = {contender: row for contender, row in bare.items() if not reasons[contender]}
            if sound:
                parts = count(1)
                with self._watcher.task(f"timing {told(start)}", self._options.parts(len(sound))) as done:
                    yield from timing.rows(sound, before, lambda: done(next(parts)))

    def _bare(self, start: Start, contender: Contender, reference: Contender) -> Row:
        """All of a row that is known before it is measured."""
        config, environment = start.config, describe([contender.backend, reference.backend])
        asked = [str(contender), str(reference), repr(self._options), table_of(start.experiment), environment]
        work = work_of(config, start.experiment.batch_rows, contender.dtype)
        return Row(
            schema=SCHEMA,
            key=hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest(),
            when=datetime.now(UTC).isoformat(timespec="seconds"),
            backend=contender.backend,
            mode=contender.mode,
            class_="idiomatic" if contender.mode == IDIOMATIC else "tuned",
            device=contender.device,
            dtype=contender.dtype,
            threads=self._options.threads,
            network=network_of(start.experiment),
            widths=(config.inputs, *config.model.hidden, config.outputs),
            batch_size=start.experiment.batch_rows,
            flops=work.flops,
            bytes=work.bytes,
            environment={**environment, "load": f"{load():.2f}"},
        )
