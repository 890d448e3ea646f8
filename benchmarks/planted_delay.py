"""Whether the timing sees what is there and nothing else: `python -m benchmarks.planted_delay`

One contender in the same rounds, as `parity bench` takes them: as the reference, in several processes, from which the noise is
told; as it is, in one more; and there with the core kept busy for a tenth of its time behind it. A trial is what the rounds say
of the last two. Every second trial begins with new processes.
"""

from contextlib import ExitStack

from benchmarks.results import keep
from parity.bench.timing import Options, sampled
from parity.contender import Contender, expand, parse
from parity.problems import recipe
from parity.start import Start, draw
from parity.throughput.audit import PROCESSES, audit
from parity.throughput.process import Worker
from parity.throughput.statistics import ratio_of
from parity.throughput.steady import Warm, clock_of, first_steps, mean_of, read

CONTENDERS = ("torch:cpu:float32", "jax:cpu:float32")
DELAY = 0.1
BEGINNINGS, TRIALS = 10, 2
"""How often all processes of a contender are begun anew, and trials in each."""
OPTIONS = Options(most_pairs=40)


def main() -> None:
    """Run the trials, print and keep."""
    start, rows = draw(recipe("paraboloid")), []
    for text in CONTENDERS:
        (contender,) = expand(parse(text))
        told = [answer for _ in range(BEGINNINGS) for answer in trials(contender, start)]
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
            return Warm(contender, stack.enter_context(Worker(contender.backend, start)), first_steps(start), clock)

        references, ours = [begun().sample for _ in range(PROCESSES)], begun()
        for _ in range(TRIALS):
            theirs, both = sampled(references, [ours.sample, lambda: ours.sample(DELAY)], OPTIONS, clock)
            noise = audit(theirs, clock).noise
            reference, plain, delayed = (read(each, clock) for each in (mean_of(theirs), *both))
            alike, later = ratio_of(plain, reference), ratio_of(delayed, reference)
            told.append(
                {"noise": noise, "rounds": len(reference), "as it is": alike.told(noise), "ratio": alike.value,
                 "delayed": later.told(noise), "delayed ratio": later.value}
            )  # fmt: skip
    return told


if __name__ == "__main__":
    main()
