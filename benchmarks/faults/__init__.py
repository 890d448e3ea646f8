"""Does the ladder see what is wrong, and only that? Planted faults, mutants of a twin, and random healthy runs.

`python -m benchmarks.faults` runs all of it, as `make faults` does; `python -m benchmarks.faults --help` lists the parts.
"""
