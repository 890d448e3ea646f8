"""What a training step costs in each backend's best mode: `python -m benchmarks.step_cost`

2-10-5-1, batch 32, Adam, float32, on one core. Rounds of all contenders are interleaved, in a process a framework, and the
medians compared: a shared machine drifts, so that the ratio is worth more than the microseconds.
"""

from dataclasses import replace

from benchmarks.results import keep
from parity.contender import resolve
from parity.problems import recipe
from parity.start import draw
from parity.throughput.measure import measure

EXPERIMENT = replace(
    recipe("paraboloid"),
    batch_size=32,
    epochs=2000,
    contender=("jax:scan:float32", "jax:step:float32", "torch:float32"),
)


def main() -> None:
    """Time, print and keep."""
    pairs = resolve(EXPERIMENT.contender, "torch:cpu")
    contenders = list(dict.fromkeys(contender for pair in pairs for contender in pair))
    start = draw(EXPERIMENT)
    speeds = measure(contenders, start, lambda done: None)
    reference = speeds[str(pairs[0][0])]
    rows = []
    for name, speed in speeds.items():
        ratio = speed.steps_per_second / reference.steps_per_second
        microseconds = 1e6 / speed.steps_per_second
        print(
            f"{name}: {microseconds:.1f} us a step, {ratio:.1f} times the reference, compile {speed.compile_seconds:.2f} s"
        )
        rows.append(
            {"contender": name, "microseconds_per_step": microseconds, "ratio": ratio, "spread": list(speed.spread)}
        )
    print(f"kept in {keep('step_cost', rows, ['jax', 'torch'])}")


if __name__ == "__main__":
    main()
