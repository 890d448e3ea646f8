"""Whether the timing sees what is there and nothing else: `python -m benchmarks.planted_delay`

One contender four times in the same rounds, as `parity bench` takes them: as the reference and once more, from which the noise
is told; as it is, in a third process; and there with a tenth of its time idled away behind it. A trial is what the rounds say
of the last two. Every second trial begins with new processes.
"""

from collections.abc import Callable
from contextlib import ExitStack

from benchmarks.results import keep
from parity.bench.timing import Options, sampled
from parity.contender import Contender, expand, parse
from parity.problems import recipe
from parity.start import Start, draw
from parity.throughput.audit import audit
from parity.throughput.process import Seconds, Worker
from parity.throughput.statistics import ratio_of
from parity.throughput.steady import Warm, clock_of, first_steps, read

CONTENDERS = ("torch:cpu:float32", "jax:cpu:float32")
DELAY = 0.1
PROCESSES, TRIALS = 10, 2
"""How often all processes of a contender are begun anew, and trials in each."""
OPTIONS = Options(most_pairs=40)


def main() -> None:
    """Run the trials, print and keep."""
    start, rows = draw(recipe("paraboloid")), []
    for text in CONTENDERS:
        (contender,) = expand(parse(text))
        told = [answer for _ in range(PROCESSES) for answer in trials(contender, start)]
        seen = sum(each["delayed"] == "slower" for each in told) / len(told)
        quiet = sum(each["as it is"] not in ("slower", "faster") for each in told) / len(told)
        marked = sum(each["noise"] > OPTIONS.floor for each in told)
        print(
            f"{contender}: a delay of {DELAY:.0%} seen in {seen:.0%} of {len(told)} trials, nothing where there was none in"
        )
        print(f"  {quiet:.0%}; {marked} were marked as too noisy to be published", flush=True)
        rows.append(
            {"contender": str(contender), "delay": DELAY, "seen": seen, "nothing_seen": quiet, "marked": marked, "trials": told}
        )  # fmt: skip
    print(f"kept in {keep('planted_delay', rows, ['jax', 'torch'])}")


def trials(contender: Contender, start: Start) -> list[dict[str, str | float]]:
    """What is told in some trials of the same processes."""
    clock, told = clock_of(contender, 1), []
    with ExitStack() as stack:

        def begun() -> Warm:
            return Warm(contender, stack.enter_context(Worker(contender.backend, start)), first_steps(start))

        theirs, ours, again = (begun() for _ in range(3))
        samplers: list[Callable[[], Seconds]] = [theirs.sample, ours.sample, lambda: ours.sample(DELAY), again.sample]
        for _ in range(TRIALS):
            samples = sampled(samplers, OPTIONS, clock)
            noise = audit(samples[-1], samples[0], clock, OPTIONS.threads).floor
            reference, plain, delayed, _ = (read(each, clock) for each in samples)
            told.append(
                {"as it is": ratio_of(plain, reference).told(noise), "noise": noise, "rounds": len(reference),
                 "delayed": ratio_of(delayed, reference).told(noise)}
            )  # fmt: skip
    return told


if __name__ == "__main__":
    main()
