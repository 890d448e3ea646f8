"""The comparison with other libraries, as far as it goes with none of them installed."""

from dataclasses import replace
from xml.etree import ElementTree

import pytest

from benchmarks.peers import chart, formulas, rows, table
from benchmarks.peers.__main__ import compared_with_ours
from benchmarks.peers.catalogue import BY_NAME, OURS, PEERS, Entry
from benchmarks.peers.check import STEPS, Check
from benchmarks.peers.claims import CLAIMS, Claim
from benchmarks.peers.job import Job, job
from benchmarks.peers.peer import Stopwatch
from benchmarks.peers.worker import PeerError, Worker, last_core

BARE = [entry for entry in PEERS if entry.kind != "peer"]
ABSENT = Entry("Nobody", "peer", ("not-a-distribution",), "nobody:Nobody")


@pytest.fixture(scope="module")
def check():
    return Check(job())


@pytest.mark.parametrize("entry", BARE, ids=lambda entry: entry.name)
def test_a_bare_loop_trains_the_same_network_but_for_how_optax_corrects(check, entry):
    peer = entry.opened(check.job)
    seen = check.judged(peer.losses(STEPS), peer.span, peer.formula)
    nothing_else = f"differs: {formulas.SINGLE.reason}, and nothing else"
    assert seen["statement"] == ("same" if entry.name.startswith("PyTorch") else nothing_else)
    watch = Stopwatch()
    peer.train(64, watch)
    assert watch.cpu > 0.0
    assert watch.wall > 0.0


def test_ours_are_the_same(check):
    ours = BY_NAME["torch:cpu:eager"].opened(check.job)
    assert check.judged(ours.losses(STEPS), 1, formulas.OURS)["statement"] == "same"


@pytest.mark.parametrize("changed", [{"b1": 0.9001}, {"b2": 0.99901}, {"eps": 1e-6}, {"learning_rate": 1.0001e-3}])
def test_a_constant_that_is_a_little_off_is_seen(check, changed):
    start = check.job.start
    other = Job(replace(start, config=replace(start.config, optimizer=replace(check.job.adam, **changed))))
    for span in (1, 32):
        losses = formulas.losses(other, STEPS, formulas.OURS).reshape(-1, span).mean(axis=1)
        assert check.judged(losses, span, formulas.OURS)["statement"] == "differs: for a reason that is not known"
        assert check.judged(losses, span, formulas.SINGLE)["statement"].endswith("and that is not all")


def test_batches_in_another_order_are_seen(check):
    start = check.job.start
    swapped = start.order.rows.copy()
    swapped[[10, 11]] = swapped[[11, 10]]
    other = Job(replace(start, order=replace(start.order, rows=swapped)))
    assert check.distance(formulas.losses(other, STEPS, formulas.OURS), 1) > check.limit


def test_who_is_not_installed_has_the_reason_in_its_row():
    def nobody_is_timed(entry):
        raise AssertionError(entry)

    found = list(compared_with_ours(ABSENT, [], nobody_is_timed, None, 0))
    assert [row["ours"] for row in found] == [entry.name for entry in OURS]
    assert {row["reason"] for row in found} == {"not-a-distribution not installed: pip install 'parity[peers]'"}
    assert list(compared_with_ours(ABSENT, found, nobody_is_timed, None, 0)) == []
    assert "- Nobody: not-a-distribution not installed" in table.page(found)


def test_a_process_answers_with_its_losses_and_times(check):
    entry = BY_NAME["PyTorch loop, fused Adam"]
    with Worker(entry.name, last_core()) as worker:
        told = worker.losses(STEPS)
        assert check.judged(told["losses"], told["span"], formulas.Formula(*told["formula"]))["statement"] == "same"
        took = worker.train(64)
        assert min(took.cpu, took.wall) > 0.0


def test_a_process_that_ends_says_why():
    with pytest.raises(PeerError, match="its process ended: KeyError: 'Nobody'"):
        Worker("Nobody", last_core())


def test_rows_are_added_and_one_that_was_cut_short_is_left_out(tmp_path):
    kept = tmp_path / "rows.jsonl"
    rows.add({"peer": "a"}, kept)
    kept.write_text(kept.read_text() + '{"peer": "b')
    rows.add({"peer": "c", "ratio": float("nan")}, kept)
    assert rows.read(kept) == [{"peer": "a"}, {"peer": "c", "ratio": None}]
    assert rows.read(tmp_path / "none.jsonl") == []


def row(peer, ours, microseconds, mine, interval=None, kind="peer", time="2026-01-01"):
    """A row as it is kept."""
    over = microseconds / mine
    check = {"steps": 320, "span": 1, "replicas": 16, "limit": 4.4, "distance": 0.5, "statement": "same"}
    return {
        "peer": peer,
        "ours": ours,
        "class": kind,
        "versions": {"x": "1.2.3"},
        "microseconds": microseconds,
        "ours_microseconds": mine,
        "ratio": over,
        "interval": interval or [0.99 * over, 1.01 * over],
        "pairs": 12,
        "peer_versions": {"x": "1.2.3"},
        "check": check,
        "note": "a note",
        "wall_over_cpu": 1.0,
        "ours_wall_over_cpu": 1.1,
        "time": time,
        "environment": {"processor": "a processor", "torch": "2.0"},
    }


MADE = [
    row("skorch", "torch:cpu:eager", 500.0, 100.0),
    row("A & B", "jax:cpu:scan", 160.0, 10.0),
    row("A & B", "torch:cpu:eager", 160.0, 100.0),
    row("skorch", "torch:cpu:eager", 1000.0, 100.0),
    {"peer": "skorch", "ours": "torch:cpu:eager", "versions": {}, "reason": "no longer there"},
    {"peer": "Nobody", "ours": "jax:cpu:scan", "versions": {}, "reason": "not there"},
]


def test_the_page_has_the_newest_row_of_each_comparison():
    page = table.page(MADE)
    assert "| skorch | 1.2.3 | peer | 1000.0 |  | 10 (9.9 to 10.1) | same (0.5) |" in page
    assert "| A & B | 1.2.3 | peer | 160.0 | 16 (15.8 to 16.2) | 1.6 (1.58 to 1.62) | same (0.5) |" in page
    assert "| PyTorch is 8 times as fast as skorch | torch:cpu:eager, skorch | 10 (9.9 to 10.1) | 8 | yes |" in page
    assert "fastest library | jax:cpu:scan, A & B | 16 (15.8 to 16.2) | 15 | yes |" in page
    assert "- Nobody: not there." in page
    assert "no longer there" not in page
    assert "- A & B; skorch: a note." in page


@pytest.mark.parametrize(("interval", "holds"), [([8.1, 9.0], "yes"), ([7.0, 7.9], "no"), ([7.9, 8.1], "open")])
def test_a_claim_is_judged_by_the_whole_interval(interval, holds):
    claim = Claim("", "torch:", "skorch", 8.0)
    assert claim.holds(claim.row([row("skorch", "torch:cpu:eager", 8.0, 1.0, interval)])) == holds


def test_of_several_of_ours_the_fastest_counts():
    slow, fast = (row("skorch", f"torch:cpu:{mode}", 100.0, mine) for mode, mine in (("eager", 20.0), ("flat", 5.0)))
    assert Claim("", "torch:", "skorch", 8.0).row([slow, fast]) == fast
    assert Claim("", "jax:", "skorch", 8.0).row([slow, fast]) is None


def test_every_claim_names_a_peer_and_one_of_ours():
    for claim in CLAIMS:
        assert any(entry.name.startswith(claim.ours) for entry in OURS)
        assert claim.peer in BY_NAME or claim.peer == "the fastest library"


def test_bars_are_longer_for_more_and_names_are_escaped():
    drawn = chart.bars(MADE)
    assert [bar.value for bar in drawn] == [10.0, 100.0, 160.0, 1000.0]
    picture = ElementTree.fromstring(chart.svg("Microseconds a step", drawn))
    space = "{http://www.w3.org/2000/svg}"
    lengths = [float(each.get("width")) for each in picture.iter(f"{space}rect")][-len(drawn) :]
    assert lengths == sorted(lengths)
    assert lengths[1] - lengths[0] == pytest.approx(lengths[3] - lengths[1], abs=0.2)
    assert "A & B" in [each.text for each in picture.iter(f"{space}text")]
