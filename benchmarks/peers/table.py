"""The rows as a page of Markdown."""

from collections.abc import Iterable, Sequence
from statistics import median

from benchmarks.peers.claims import CLAIMS
from benchmarks.peers.rows import Row, newest

ABOUT = """# Peers

The same network from the same bytes, batch for batch: 2-10-5-1, tanh, Adam (0.001, 0.9, 0.999, 1e-8), mean squared error,
batches of 32, float32, on one core, each in a process of its own. Times are CPU time a step once all is compiled and warm.
Peers are spared what setting up a run costs them, and, as they get the rows of a whole run as one epoch, what they do between
epochs; ours are timed with all that `fit` does. A ratio is what a peer takes over what ours takes: the median of {pairs} pairs
of samples of at least 0.2 s in the order A B B A, with its 95 % bootstrap interval.

*Same?* says how far its first {steps} losses are from ours, in units of the furthest of {replicas} replicas of our own run that
rounding alone drives apart. Up to {limit:.2g} it is the same, the factor that the ladder was calibrated with. Where it differs
by how Adam is computed, the second figure is its distance from our losses computed so.

`python -m benchmarks.peers` makes this page; the rows it is made of stand in peers.jsonl.

![Microseconds a step](peers.svg)
"""


def page(rows: Iterable[Row]) -> str:
    """The newest row of each comparison."""
    latest = list(newest(list(rows)).values())
    measured = sorted((row for row in latest if "ratio" in row), key=lambda row: row["microseconds"])
    if not measured:
        return "\n".join(["# Peers", "", "Nothing was measured.", "", *absent(latest)])
    check = measured[0]["check"]
    about = ABOUT.format(pairs=measured[0]["pairs"], **{name: check[name] for name in ("steps", "replicas", "limit")})
    ours = sorted({row["ours"] for row in measured})
    parts = [figures(measured, ours), claimed(measured), notes(measured), absent(latest), machine(measured)]
    return "\n\n".join([about.rstrip(), *("\n".join(part) for part in parts if part)]) + "\n"


def figures(measured: Sequence[Row], ours: Sequence[str]) -> list[str]:
    """A line a peer, the fastest first, and above them ours."""
    lines = table("peer", "version", "class", "us a step", *(f"over {name}" for name in ours), "same?")
    for name in ours:
        mine = median(row["ours_microseconds"] for row in measured if row["ours"] == name)
        lines.append(line(f"**{name}**", "", "ours", f"{mine:.1f}", *("" for _ in ours), ""))
    for peer in dict.fromkeys(row["peer"] for row in measured):
        its = {row["ours"]: row for row in measured if row["peer"] == peer}
        one = next(iter(its.values()))
        takes = median(row["microseconds"] for row in its.values())
        version = next(iter(one["peer_versions"].values()))
        cells = (told(its[name]) if name in its else "" for name in ours)
        lines.append(line(peer, version, one["class"], f"{takes:.1f}", *cells, same(one["check"])))
    return lines


def sentence(row: Row) -> str:
    """What a row says, for whoever waits."""
    found = row["reason"] if "reason" in row else f"{told(row)}; {same(row['check'])}"
    return f"{row['peer']} over {row['ours']}: {found}"


def told(row: Row) -> str:
    """A ratio with its interval."""
    low, high = row["interval"]
    return f"{row['ratio']:.3g} ({low:.3g} to {high:.3g})"


def same(check: Row) -> str:
    """The statement with its distances."""
    left = f", then {check['by_its_formula']:.2g}" if "by_its_formula" in check else ""
    return f"{check['statement']} ({check['distance']:.2g}{left})"


def claimed(measured: Sequence[Row]) -> list[str]:
    """A line a claim that was measured."""
    judged = [(claim, row) for claim in CLAIMS if (row := claim.row(measured)) is not None]
    lines = table("claimed", "of", "ratio", "at least", "holds")
    return lines + [
        line(claim.text, f"{row['ours']}, {row['peer']}", told(row), f"{claim.least:.3g}", claim.holds(row))
        for claim, row in judged
    ]


def notes(measured: Sequence[Row]) -> list[str]:
    """What each peer could not be given, or was."""
    by_note: dict[str, list[str]] = {}
    for row in measured:
        if row["note"] and row["peer"] not in by_note.setdefault(row["note"], []):
            by_note[row["note"]].append(row["peer"])
    return [f"- {'; '.join(peers)}: {note}." for note, peers in by_note.items()]


def absent(latest: Sequence[Row]) -> list[str]:
    """Who is not in the table, and why."""
    reasons = [f"- {row['peer']}: {row['reason']}." for row in latest if "reason" in row]
    return ["Not measured:", "", *dict.fromkeys(reasons)] if reasons else []


def machine(measured: Sequence[Row]) -> list[str]:
    """Where the newest row was made."""
    facts = max(measured, key=lambda row: row["time"])["environment"]
    waited = max(max(row["wall_over_cpu"], row["ours_wall_over_cpu"]) for row in measured)
    return [
        ", ".join(
            f"{name} {facts[name]}"
            for name in ("processor", "system", "python", "numpy", "jax", "torch")
            if name in facts
        )
        + f". By the clock a sample took up to {waited:.2g} times its CPU time, as others ran on the core."
    ]


def table(*heads: str) -> list[str]:
    """The first two lines."""
    return [line(*heads), line(*("---" for _ in heads))]


def line(*cells: str) -> str:
    """One line."""
    return f"| {' | '.join(cells)} |"
