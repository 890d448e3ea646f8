"""Whether the timing sees what is there and nothing else: `python -m benchmarks.planted_delay`

One contender against itself in two processes, ten pairs of samples in turns a trial: in half of the trials a tenth of the
time of one of them is idled away. The margin of each pair of processes is the noise that an audit finds between two others.
"""

from contextlib import ExitStack

from benchmarks.results import keep
from parity.contender import expand, parse
from parity.problems import recipe
from parity.start import draw
from parity.throughput.audit import audit
from parity.throughput.process import Worker
from parity.throughput.statistics import ratio_of
from parity.throughput.steady import Warm, clock_of, first_steps, in_turns, read

CONTENDERS = ("torch:cpu:float32", "jax:cpu:float32")
DELAY = 0.1
PROCESSES, TRIALS, PAIRS = 5, 4, 10
"""Pairs of processes of each contender, trials of either kind in each, and pairs of samples in a trial."""


def main() -> None:
    """Run the trials, print and keep."""
    start = draw(recipe("paraboloid"))
    rows = []
    for text in CONTENDERS:
        (contender,) = expand(parse(text))
        clock = clock_of(contender, 1)
        told: dict[float, list[str]] = {DELAY: [], 0.0: []}
        floors = []
        for _ in range(PROCESSES):
            with ExitStack() as stack:
                ours, theirs, third = (_warm(contender, start, stack) for _ in range(3))
                floors.append(audit(*in_turns([third.sample, theirs.sample], PAIRS), clock, 1).floor)
                for delay, answers in told.items():
                    for _ in range(TRIALS):
                        samples = in_turns([lambda d=delay, w=ours: w.sample(d), theirs.sample], PAIRS)
                        ratio = ratio_of(*(read(each, clock) for each in samples))
                        answers.append(ratio.told(floors[-1]))
        found = told[DELAY].count("slower") / len(told[DELAY])
        quiet = 1.0 - sum(answer in ("slower", "faster") for answer in told[0.0]) / len(told[0.0])
        print(
            f"{contender}: a delay of {DELAY:.0%} seen in {found:.0%} of {len(told[DELAY])} trials; nothing where there"
        )
        print(f"  was none in {quiet:.0%} of {len(told[0.0])}; noise {min(floors):.1%} to {max(floors):.1%}")
        rows.append(
            {"contender": str(contender), "delay": DELAY, "seen": found, "nothing_seen": quiet, "trials": len(told[0.0]),
             "floors": floors, "answers": {str(delay): answers for delay, answers in told.items()}}
        )  # fmt: skip
    print(f"kept in {keep('planted_delay', rows, ['jax', 'torch'])}")


def _warm(contender, start, stack: ExitStack) -> Warm:
    return Warm(contender, stack.enter_context(Worker(contender.backend, start)), first_steps(start))


if __name__ == "__main__":
    main()
